/**
 * The files that uploads are gathered in, entered in the state record: an agent that dies leaves them behind, and the
 * next one removes them; lifecycle.md 1.13.
 */
import { JsonError, parseJson } from "../json/parse.ts";
import { printJson } from "../json/print.ts";
import { JsonValue } from "../json/value.ts";
import { unlink } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { RecordError, type StateRecord } from "../sys/record.ts";

/** How their names begin. */
export const TEMPORARY_PREFIX = ".smolvm-put-";
/** The member of the state that lists them. */
const MEMBER = "temporaries";

export class Temporaries {
  /** Undefined where nobody would read it. */
  private readonly record: StateRecord | undefined;
  private paths: string[] = [];

  constructor(record: StateRecord | undefined) {
    this.record = record;
  }

  /** Enters a file that is about to be created. */
  add(path: string): void {
    if (this.record === undefined) return;
    this.paths.push(path);
    this.write(this.record);
  }

  /** Strikes a file off that is gone or has become what it was to replace. */
  remove(path: string): void {
    if (this.record === undefined) return;
    this.paths = this.paths.filter((other) => other !== path);
    this.write(this.record);
  }

  /** Removes what an agent before this one has left. */
  removeStale(): void {
    const record = this.record;
    if (record === undefined) return;
    try {
      const state = record.read();
      if (state.length === 0) return;
      const listed = parseJson(state, 0, state.length).get(MEMBER);
      for (const item of listed?.items() ?? []) removeTemporary(item.asString() ?? "");
    } catch (error) {
      if (error instanceof RecordError) log(Level.WARN, `${error.message}: files of broken uploads may be left`);
      else if (!(error instanceof JsonError)) throw error;
    }
    this.write(record);
  }

  private write(record: StateRecord): void {
    const list = JsonValue.array();
    for (const path of this.paths) list.push(JsonValue.string(path));
    record.write(printJson(JsonValue.object().set(MEMBER, list)));
  }
}

function removeTemporary(path: string): void {
  // Only what an upload can have made, whatever the record says.
  if (path.slice(path.lastIndexOf("/") + 1).startsWith(TEMPORARY_PREFIX)) unlink(path);
}
