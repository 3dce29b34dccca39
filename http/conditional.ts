/** Conditional and range requests for a content with a time of change and no entity tag; RFC 9110 sections 13 and 14. */
import { encodeText } from "../sys/bytes.ts";
import { Ascii } from "./ascii.ts";
import { parseHttpDate } from "./date.ts";
import { Pieces } from "./pieces.ts";
import { type ByteRange, NO_OVERLAP, parseRanges } from "./range.ts";

/** The headers that make a request conditional, each empty where it is absent. */
export class Conditions {
  readonly range: string;
  readonly ifRange: string;
  readonly ifMatch: string;
  readonly ifNoneMatch: string;
  readonly ifModifiedSince: string;
  readonly ifUnmodifiedSince: string;

  constructor(range: string, ifRange: string, ifMatch: string, ifNoneMatch: string, ifModifiedSince: string, ifUnmodifiedSince: string) {
    this.range = range;
    this.ifRange = ifRange;
    this.ifMatch = ifMatch;
    this.ifNoneMatch = ifNoneMatch;
    this.ifModifiedSince = ifModifiedSince;
    this.ifUnmodifiedSince = ifUnmodifiedSince;
  }

  /** Whether the answer depends on the content as it is, so that it must not be coded. */
  get needsIdentity(): boolean {
    return this.range !== "" || this.ifRange !== "" || this.ifModifiedSince !== "" || this.ifNoneMatch !== "";
  }

  /** The same for a content of which there are no ranges. */
  withoutRange(): Conditions {
    return new Conditions("", "", this.ifMatch, this.ifNoneMatch, this.ifModifiedSince, this.ifUnmodifiedSince);
  }
}

export const enum Outcome {
  /** 200, all of it. */
  FULL,
  /** 206. */
  PARTIAL,
  /** 304. */
  NOT_MODIFIED,
  /** 412. */
  PRECONDITION_FAILED,
  /** 416. */
  UNSATISFIABLE,
}

/** How a request for a content is answered. */
export class Selection {
  readonly outcome: Outcome;
  /** The ranges of PARTIAL, at least one. */
  readonly ranges: ByteRange[];
  /** The value of Content-Range; empty where the response has none. Parts of several ranges have their own. */
  readonly contentRange: string;
  /** Why it is UNSATISFIABLE. */
  readonly message: string;

  constructor(outcome: Outcome, ranges: ByteRange[], contentRange: string, message: string) {
    this.outcome = outcome;
    this.ranges = ranges;
    this.contentRange = contentRange;
    this.message = message;
  }
}

/**
 * Decides a GET or HEAD for a content of `size` bytes that changed at `mtime`, in seconds since 1970-01-01 UTC. A
 * content that changed at 0 has no time to compare with. Dates that are none are ignored.
 */
export function select(conditions: Conditions, size: number, mtime: number): Selection {
  const changed = Math.floor(mtime);
  const failed = conditions.ifMatch !== "" ? !hasStar(conditions.ifMatch) : isChangedSince(conditions.ifUnmodifiedSince, changed) === Answer.YES;
  if (failed) return new Selection(Outcome.PRECONDITION_FAILED, [], "", "");
  const isKnown = conditions.ifNoneMatch !== "" ? hasStar(conditions.ifNoneMatch) : isChangedSince(conditions.ifModifiedSince, changed) === Answer.NO;
  if (isKnown) return new Selection(Outcome.NOT_MODIFIED, [], "", "");
  const isRangeMeant = conditions.ifRange === "" || parseHttpDate(conditions.ifRange) === changed;
  const ranges = parseRanges(isRangeMeant ? conditions.range : "", size);
  if (ranges.error !== "") return new Selection(Outcome.UNSATISFIABLE, [], ranges.error === NO_OVERLAP ? `bytes */${size}` : "", ranges.error);
  const first = ranges.list.at(0);
  if (first === undefined) return new Selection(Outcome.FULL, [], "", "");
  return new Selection(Outcome.PARTIAL, ranges.list, ranges.list.length === 1 ? first.contentRange(size) : "", "");
}

const enum Answer {
  YES,
  NO,
  UNKNOWN,
}

/** Whether a content has changed after the date in a header. */
function isChangedSince(header: string, changed: number): Answer {
  const date = parseHttpDate(header);
  if (date === undefined || changed === 0) return Answer.UNKNOWN;
  return changed > date ? Answer.YES : Answer.NO;
}

/** Whether a list of entity tags has a `*`, which every content matches. No other tag matches one without. */
function hasStar(header: string): boolean {
  const bytes = encodeText(header);
  const tags = new Pieces(bytes, 0, bytes.length, Ascii.comma);
  while (tags.next()) {
    if (tags.start < tags.stop && bytes[tags.start] === 0x2a) return true;
  }
  return false;
}
