/** One blocking connection to the agent. */
import { CHUNK_BYTES, frame, FrameType, HEADER_BYTES, payloadLength } from "../../../smolvm/frame.ts";
import type { Address } from "../../../sys/address.ts";
import { Errno, errnoText } from "../../../sys/errno.ts";
import { close, read } from "../../../sys/file.ts";
import { Ready } from "../../../sys/loop.ts";
import { connectBlocking, send, shutdownSending } from "../../../sys/socket.ts";
import { awaitReady } from "../../../sys/wait.ts";
import { Failed } from "./check.ts";

export class Connection {
  /** The type of the current frame. */
  type = 0;
  /** The payload of the current frame, good until the next one. */
  payload: Uint8Array = new Uint8Array(0);
  private readonly fd: number;
  private readonly header = new Uint8Array(HEADER_BYTES);

  private constructor(fd: number) {
    this.fd = fd;
  }

  /** Throws SysError. The caller closes it. */
  static open(address: Address): Connection {
    return new Connection(connectBlocking(address));
  }

  /** Sends bytes as they are. Returns false where the agent takes no more. */
  send(bytes: Uint8Array): boolean {
    let position = 0;
    while (position < bytes.length) {
      const sent = send(this.fd, bytes, position, bytes.length);
      if (sent >= 0) position += sent;
      else if (sent === -Errno.EAGAIN) awaitReady(this.fd, Ready.WRITABLE);
      else if (sent !== -Errno.EINTR) return false;
    }
    return true;
  }

  /** Sends a whole frame. Returns false where the agent takes no more. */
  sendFrame(type: number, payload: Uint8Array): boolean {
    return this.send(frame(type, payload));
  }

  /** Says that nothing more will be sent. */
  endSending(): void {
    shutdownSending(this.fd);
  }

  close(): void {
    close(this.fd);
  }

  /** Goes on to the next frame. Returns false at the end. Throws Failed for a frame cut off or longer than allowed. */
  next(): boolean {
    const got = this.fill(this.header);
    if (got === 0) return false;
    if (got < HEADER_BYTES) throw new Failed("the connection ended within a header");
    this.type = this.header[0] ?? 0;
    const length = payloadLength(this.header, 0);
    if (this.type !== FrameType.JSON && length > CHUNK_BYTES) throw new Failed(`a frame of ${length} bytes`);
    this.payload = new Uint8Array(length);
    if (this.fill(this.payload) < length) throw new Failed("the connection ended within a frame");
    return true;
  }

  /** Expects that the agent closes without another byte. A reset counts where input was left unread. */
  expectEnd(): void {
    if (this.next()) throw new Failed(`a frame of type ${this.type} where the end belongs`);
    this.close();
  }

  /** Fills an array. Returns how many bytes came before the end. */
  private fill(bytes: Uint8Array): number {
    let position = 0;
    while (position < bytes.length) {
      const count = read(this.fd, bytes, position, bytes.length - position);
      if (count === -Errno.ECONNRESET) return position;
      if (count < 0) throw new Failed(`the connection broke: ${errnoText(-count)}`);
      if (count === 0) break;
      position += count;
    }
    return position;
  }
}
