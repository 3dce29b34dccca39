/** A file as a response: all of it or a part, as the request's conditions say; RFC 9110 sections 13 to 15. */
import { encodeText } from "../sys/bytes.ts";
import { check } from "../sys/errno.ts";
import { close, read } from "../sys/file.ts";
import type { FileStatus } from "../sys/status.ts";
import { type Conditions, Outcome, select, type Selection } from "./conditional.ts";
import { httpDate } from "./date.ts";
import { type Exchange, UNKNOWN_LENGTH } from "./exchange.ts";
import { FileWriter } from "./file-writer.ts";
import { RangesWriter } from "./ranges-writer.ts";
import { SNIFF_LENGTH, sniffType } from "./sniff.ts";
import { Status } from "./status.ts";
import { StreamWriter } from "./stream-writer.ts";
import { DATA_BYTES, DATA_START } from "./transport.ts";

const NONE = new Uint8Array(0);

/**
 * Answers with an open file of that status, whose descriptor is the response's from now on. Where `type` is empty the
 * first bytes tell it. Files that do not know their size, as in /proc, are read to their end, conditions on ranges aside.
 * Throws SysError where it cannot be read; the descriptor is closed then, and nothing sent.
 */
export function respondWithFile(exchange: Exchange, conditions: Conditions, fd: number, status: FileStatus, type: string): void {
  const buffer = exchange.take();
  // What fits a buffer is read whole: it leaves with the head at once, and its real size is known.
  const isSmall = status.size <= DATA_BYTES;
  const wanted = isSmall ? DATA_BYTES : type === "" ? SNIFF_LENGTH : 0;
  let filled = 0;
  try {
    filled = fill(fd, buffer, wanted);
  } catch (error) {
    exchange.giveBack(buffer);
    close(fd);
    throw error;
  }
  const isEndless = status.size === 0 && filled === DATA_BYTES;
  const size = isEndless ? 0 : isSmall ? filled : status.size;
  const selection = select(size === status.size && !isEndless ? conditions : conditions.withoutRange(), size, status.modifiedSeconds);
  const contentType = type === "" ? sniffType(buffer, DATA_START, DATA_START + Math.min(filled, SNIFF_LENGTH)) : type;
  if (status.modifiedSeconds !== 0) exchange.addField("Last-Modified", httpDate(status.modifiedSeconds));
  if (selection.outcome === Outcome.FULL && isSmall) {
    begin(exchange, Status.OK, contentType, isEndless ? UNKNOWN_LENGTH : size);
    if (isEndless && !exchange.isHead) return new StreamWriter(exchange, fd).start(buffer, DATA_START + filled);
    close(fd);
    return exchange.sendLast(buffer, DATA_START + filled);
  }
  exchange.giveBack(buffer);
  if (selection.outcome !== Outcome.FULL && selection.outcome !== Outcome.PARTIAL) {
    close(fd);
    return refuse(exchange, selection);
  }
  sendStored(exchange, selection, fd, size, contentType);
}

/** Sends all or ranges of a file of a known size. */
function sendStored(exchange: Exchange, selection: Selection, fd: number, size: number, type: string): void {
  if (selection.ranges.length > 1) return new RangesWriter(exchange, fd, selection.ranges, type, size).start();
  const range = selection.ranges.at(0);
  const length = range?.length ?? size;
  if (selection.contentRange !== "") exchange.addField("Content-Range", selection.contentRange);
  begin(exchange, range === undefined ? Status.OK : Status.PARTIAL_CONTENT, type, length);
  if (!exchange.isHead) return new FileWriter(exchange, fd, range?.start ?? 0, length).start();
  close(fd);
  exchange.end();
}

function begin(exchange: Exchange, status: number, type: string, length: number): void {
  exchange.addField("Content-Type", type);
  if (length >= 0) exchange.addField("Accept-Ranges", "bytes");
  exchange.begin(status, length);
}

/** Answers what is no content: 304, 412, 416. */
function refuse(exchange: Exchange, selection: Selection): void {
  if (selection.outcome === Outcome.NOT_MODIFIED) return exchange.respond(Status.NOT_MODIFIED, NONE);
  if (selection.outcome === Outcome.PRECONDITION_FAILED) return exchange.respond(Status.PRECONDITION_FAILED, NONE);
  if (selection.contentRange !== "") exchange.addField("Content-Range", selection.contentRange);
  exchange.addField("Content-Type", "text/plain; charset=utf-8");
  exchange.respond(Status.RANGE_NOT_SATISFIABLE, encodeText(selection.message));
}

/** Reads up to `wanted` bytes into the data of a buffer; fewer where the file ends. */
function fill(fd: number, buffer: Uint8Array, wanted: number): number {
  let filled = 0;
  while (filled < wanted) {
    const count = check(read(fd, buffer, DATA_START + filled, wanted - filled), "read", "");
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
