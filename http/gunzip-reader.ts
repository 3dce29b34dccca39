/** A request's body in gzip, decompressed before it goes on: a bounded part in each turn of the loop. */
import { GzipError, GzipFault, Inflater } from "../sys/deflate.ts";
import type { DecodedReader } from "./decoded-reader.ts";
import type { Exchange } from "./exchange.ts";
import { BodyReader } from "./roles.ts";
import { DATA_BYTES } from "./transport.ts";

const NONE = new Uint8Array(0);
/** Output of one turn. */
const TURN_BYTES = 4 * DATA_BYTES;
/** What a step counts for at the least: it costs time without output, too. */
const STEP_BYTES = 4096;
/** Bytes of the shortest header. */
const HEADER_BYTES = 10;
/** Bodies that are decompressed at the same time: each takes 50 kB. */
const MAX_STREAMS = 256;

let streams = 0;

/** Whether one more body may be decompressed now. */
export function mayDecompress(): boolean {
  return streams < MAX_STREAMS;
}

export class GunzipReader extends BodyReader {
  private readonly exchange: Exchange;
  private readonly reader: DecodedReader;
  private readonly inflater = new Inflater();
  private isClosed = false;
  /** Bytes of the header that have come, up to its least length. */
  private header = 0;

  /** `reader` gets the content. Throws SysError without memory. */
  constructor(exchange: Exchange, reader: DecodedReader) {
    super();
    this.exchange = exchange;
    this.reader = reader;
    streams++;
  }

  override onBody(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    this.header = Math.min(HEADER_BYTES, this.header + end - start);
    for (let turn = TURN_BYTES; turn > 0 && this.inflate(bytes, at, end, false); turn -= Math.max(this.inflater.produced, STEP_BYTES)) {
      at += this.inflater.consumed;
      // Where there was room left, nothing waits for more.
      if (at === end && this.inflater.produced < DATA_BYTES) break;
    }
    if (this.isClosed) return end - start;
    if (at < end) this.exchange.resumeLater();
    return at - start;
  }

  override onBodyEnd(): void {
    while (this.inflate(NONE, 0, 0, true)) {
      if (!this.inflater.isEnd) continue;
      this.close();
      return this.reader.onBodyEnd();
    }
  }

  override onBodyLost(): void {
    this.close();
    this.reader.onBodyLost();
  }

  /** One step, whose output goes on. Returns whether there may be more. */
  private inflate(bytes: Uint8Array, start: number, end: number, isLast: boolean): boolean {
    if (this.isClosed) return false;
    const output = this.exchange.take();
    let fault = "";
    let isNotCoded = false;
    try {
      this.inflater.step(bytes, start, end, isLast, output, 0, DATA_BYTES);
    } catch (error) {
      if (!(error instanceof GzipError)) throw error;
      fault = error.message;
      isNotCoded = error.fault === GzipFault.HEADER || this.header < HEADER_BYTES;
    }
    const count = this.inflater.produced;
    if (fault === "" && count > 0) this.reader.onBody(output, 0, count);
    this.exchange.giveBack(output);
    // The reader may have answered already.
    if (fault !== "" || !this.exchange.isOpen) this.close();
    if (isNotCoded) this.reader.onNotCoded(fault);
    else if (fault !== "") this.reader.onDamaged(fault);
    return !this.isClosed;
  }

  private close(): void {
    if (this.isClosed) return;
    this.inflater.close();
    this.isClosed = true;
    streams--;
  }
}
