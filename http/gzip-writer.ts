/** A file in gzip as the body of a response, a slice in each turn of the loop; RFC 9110 section 8.4.1.3. */
import { Deflater } from "../sys/deflate.ts";
import { close, read } from "../sys/file.ts";
import { DescriptorWriter } from "./descriptor-writer.ts";
import { type Exchange, UNKNOWN_LENGTH } from "./exchange.ts";
import { Status } from "./status.ts";
import { DATA_BYTES, DATA_END, DATA_START } from "./transport.ts";

const NONE = new Uint8Array(0);
/** Bodies that are compressed at the same time: each takes a third of a megabyte. */
const MAX_STREAMS = 64;
/** Input of one turn: some two milliseconds of work. */
const SLICE_BYTES = DATA_BYTES;

let streams = 0;

/** Whether one more body may be compressed now. */
export function mayCompress(): boolean {
  return streams < MAX_STREAMS;
}

export class GzipWriter extends DescriptorWriter {
  private readonly deflater: Deflater;
  /** Input that waits for room in the output: a buffer of the pool, what is left of it from `at` to `end`. */
  private input: Uint8Array = NONE;
  private at = 0;
  private end = 0;
  private isLast = false;

  private constructor(exchange: Exchange, fd: number, deflater: Deflater) {
    super(exchange, fd);
    this.deflater = deflater;
    streams++;
  }

  /**
   * For what a descriptor yields up to its end, which is the writer's from now on. Throws SysError without memory; the
   * descriptor is closed then.
   */
  static open(exchange: Exchange, fd: number): GzipWriter {
    try {
      return new GzipWriter(exchange, fd, new Deflater());
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Answers with it, behind the fields that have been added. */
  start(): void {
    this.exchange.begin(Status.OK, UNKNOWN_LENGTH);
    this.hold();
    this.onWritable();
  }

  override onWritable(): void {
    if (this.at === this.end && !this.isLast && !this.fill()) return this.fail();
    const deflater = this.deflater;
    const output = this.exchange.take();
    deflater.step(this.input, this.at, this.end, this.isLast, output, DATA_START, DATA_END);
    this.at += deflater.consumed;
    if (this.at === this.end) this.drop();
    const end = DATA_START + deflater.produced;
    if (deflater.isEnd) {
      this.release();
      this.exchange.sendLast(output, end);
    } else if (deflater.produced > 0) {
      this.exchange.send(output, end);
    } else {
      this.exchange.giveBack(output);
    }
  }

  protected override release(): void {
    if (this.fd >= 0) {
      this.deflater.close();
      streams--;
    }
    this.drop();
    super.release();
  }

  /** Reads the next input. Returns false where that fails. */
  private fill(): boolean {
    const buffer = this.exchange.take();
    const count = read(this.fd, buffer, 0, SLICE_BYTES);
    this.input = buffer;
    this.at = 0;
    this.end = Math.max(0, count);
    this.isLast = count === 0;
    if (count <= 0) this.drop();
    return count >= 0;
  }

  private drop(): void {
    if (this.input.length > 0) this.exchange.giveBack(this.input);
    this.input = NONE;
    this.at = 0;
    this.end = 0;
  }
}
