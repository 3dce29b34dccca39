/** Several ranges of a file as the body of a response; RFC 9110 section 14.6. */
import { encodeText } from "../sys/bytes.ts";
import { Errno } from "../sys/errno.ts";
import { randomName } from "../sys/file.ts";
import { partHead, partsEnd, partsLength } from "./byteranges.ts";
import { DescriptorWriter, TURN_BYTES } from "./descriptor-writer.ts";
import type { Exchange } from "./exchange.ts";
import type { ByteRange } from "./range.ts";
import { Status } from "./status.ts";
import { DATA_START } from "./transport.ts";

export class RangesWriter extends DescriptorWriter {
  private readonly ranges: ByteRange[];
  private readonly type: string;
  private readonly size: number;
  private readonly boundary = randomName();
  /** The range whose head is next, and what is left of the one before. */
  private next = 0;
  private offset = 0;
  private left = 0;

  /** Sends ranges, at least two, of a file of `size` bytes and a media type, whose descriptor is the writer's from now on. */
  constructor(exchange: Exchange, fd: number, ranges: ByteRange[], type: string, size: number) {
    super(exchange, fd);
    this.ranges = ranges;
    this.type = type;
    this.size = size;
  }

  /** Answers with all of it, behind the fields that have been added. */
  start(): void {
    const exchange = this.exchange;
    exchange.addField("Content-Type", `multipart/byteranges; boundary=${this.boundary}`);
    exchange.addField("Accept-Ranges", "bytes");
    exchange.begin(Status.PARTIAL_CONTENT, partsLength(this.boundary, this.type, this.ranges, this.size));
    if (exchange.isHead) return this.finish();
    this.hold();
    this.onWritable();
  }

  override onWritable(): void {
    for (let turn = TURN_BYTES; turn > 0; ) {
      if (this.left === 0) {
        if (!this.sendHead()) return;
        turn -= DATA_START;
        continue;
      }
      const sent = this.exchange.sendFile(this.fd, this.offset, Math.min(this.left, turn));
      if (sent === -Errno.EAGAIN || sent === -Errno.EINTR) return;
      if (sent <= 0) return this.fail();
      this.offset += sent;
      this.left -= sent;
      turn -= sent;
    }
  }

  /** Sends what goes before the next range, or after the last. Returns whether more may be sent at once. */
  private sendHead(): boolean {
    const range = this.ranges.at(this.next);
    const isEnd = range === undefined;
    const text = isEnd ? partsEnd(this.boundary) : partHead(this.boundary, this.next, this.type, range, this.size);
    const bytes = encodeText(text);
    const buffer = this.exchange.take();
    buffer.set(bytes, DATA_START);
    if (isEnd) {
      this.release();
      this.exchange.sendLast(buffer, DATA_START + bytes.length);
      return false;
    }
    this.next++;
    this.offset = range.start;
    this.left = range.length;
    return this.exchange.send(buffer, DATA_START + bytes.length);
  }
}
