/** gzip content coding, RFC 1952, in steps: each takes some input and gives some output, and costs as much time. */
import { GzipStream } from "#codecs";

/** What is wrong with compressed input. */
export const enum GzipFault {
  /** It does not begin as gzip does. */
  HEADER,
  DATA,
  /** The content is not what was compressed. */
  CHECKSUM,
  /** It ends too early. */
  TRUNCATED,
  /** Something that is not gzip follows it. */
  TRAILING,
}

/** Compressed input that cannot be read; the message is zlib's. */
export class GzipError extends Error {
  readonly fault: GzipFault;

  constructor(message: string, fault: GzipFault) {
    super(message);
    this.fault = fault;
  }
}

/**
 * A stream through zlib. Its memory is not the collector's: the owner calls `close`, once, at the end of the stream and
 * also before. The counts are of the last step.
 */
abstract class Steps {
  /** Bytes of input that were taken. */
  consumed = 0;
  /** Bytes of output that were given. */
  produced = 0;
  /** Whether all of the output has been given. */
  isEnd = false;
  protected readonly stream: GzipStream;

  constructor(inflates: boolean) {
    this.stream = new GzipStream(inflates);
  }

  /** Gives the stream's memory back. */
  close(): void {
    this.stream.close();
  }

  /** Returns the text of what is wrong with the input; empty where nothing is. */
  protected advance(
    input: Uint8Array, start: number, end: number, isLast: boolean, output: Uint8Array, outStart: number, outEnd: number,
  ): string {
    const text = this.stream.step(isLast, input, start, end, output, outStart, outEnd);
    this.consumed = this.stream.consumed;
    this.produced = this.stream.produced;
    // What still waits for room would have filled it.
    this.isEnd = isLast && this.consumed === end - start && this.produced < outEnd - outStart;
    return text;
  }
}

/** Compresses to one gzip member, level 6. Takes about 270 kB. */
export class Deflater extends Steps {
  /** Throws SysError where there is no memory. */
  constructor() {
    super(false);
  }

  /**
   * Takes bytes [start, end) of the input and fills [outStart, outEnd) of the output as far as either goes. `isLast`: no
   * input follows; then the step is repeated, with what input is left, until `isEnd`. Without room nothing happens.
   */
  step(
    input: Uint8Array, start: number, end: number, isLast: boolean, output: Uint8Array, outStart: number, outEnd: number,
  ): void {
    this.advance(input, start, end, isLast, output, outStart, outEnd);
  }
}

/** Decompresses gzip, of one member or several in a row. Takes about 50 kB. */
export class Inflater extends Steps {
  /** How many of gzip's two magic bytes the input has begun with. */
  private magic = 0;

  /** Throws SysError where there is no memory. */
  constructor() {
    super(true);
  }

  /** As `Deflater.step`; may stop between two members. Throws GzipError, after which the stream is only good for `close`. */
  step(
    input: Uint8Array, start: number, end: number, isLast: boolean, output: Uint8Array, outStart: number, outEnd: number,
  ): void {
    for (let at = start; at < end && this.magic < 2 && input[at] === (this.magic === 0 ? 0x1f : 0x8b); at++) this.magic++;
    const text = this.advance(input, start, end, isLast, output, outStart, outEnd);
    if (text !== "") throw new GzipError(text, this.faultOf(text));
  }

  /** The fault that one of zlib's texts is about. */
  private faultOf(text: string): GzipFault {
    switch (text) {
      case "unexpected end of file": return GzipFault.TRUNCATED;
      // The beginning of the first member was right: this is another one's.
      case "incorrect header check": return this.magic === 2 ? GzipFault.TRAILING : GzipFault.HEADER;
      case "unknown compression method": case "unknown header flags set": case "header crc mismatch": return GzipFault.HEADER;
      case "incorrect data check": case "incorrect length check": return GzipFault.CHECKSUM;
      default: return GzipFault.DATA;
    }
  }
}
