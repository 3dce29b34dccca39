/** What a descriptor yields up to its end, as the body of a response: for files that do not know their size. */
import { read } from "../sys/file.ts";
import { DescriptorWriter } from "./descriptor-writer.ts";
import { DATA_END, DATA_START } from "./transport.ts";

/** Sends what the descriptor yields from its position on. */
export class StreamWriter extends DescriptorWriter {
  /** Begins behind a head that `begin` has made, with data up to `end` in a buffer of the pool that it takes over. */
  start(buffer: Uint8Array, end: number): void {
    this.hold();
    this.exchange.send(buffer, end);
  }

  override onWritable(): void {
    const buffer = this.exchange.take();
    let end = DATA_START;
    let count = 1;
    // The kernel gives a page at a time of such files.
    while (count > 0 && end < DATA_END) {
      count = read(this.fd, buffer, end, DATA_END - end);
      end += Math.max(0, count);
    }
    if (count < 0) {
      this.exchange.giveBack(buffer);
      return this.fail();
    }
    if (count > 0) {
      this.exchange.send(buffer, end);
      return;
    }
    this.release();
    this.exchange.sendLast(buffer, end);
  }
}
