/** `get_file`: a header with mode and size, the bytes, an end mark. */
import type { JsonValue } from "../json/value.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { close, fstat, openForReading, read, stat } from "../sys/file.ts";
import { Ready } from "../sys/loop.ts";
import { isFalsy, toText } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { CHUNK_BYTES, FrameType, HEADER_BYTES, writeHeader } from "./frame.ts";
import type { Host } from "./host.ts";
import { Operation } from "./operation.ts";
import { osErrorText } from "./python.ts";
import { errorReply, fileReply } from "./reply.ts";

const BUFFERS_PER_TURN = 2;
const EMPTY = new Uint8Array(0);

/** A request that is refused before any header; the text is the answer's. */
export class RefusedError extends Error {}

/** Reads the argument; undefined where `path` is missing. Throws ArgumentError. */
export function parseGetPath(request: JsonValue): string | undefined {
  const path = request.get("path");
  return path === undefined || isFalsy(path) ? undefined : toText(path);
}

export class GetOperation extends Operation {
  private readonly host: Host;
  private readonly connection: Connection;
  private readonly fd: number;
  /** The header of the answer, until it has been sent, together with the first bytes. */
  private header: Uint8Array;
  private hasBegun = false;
  private isAtEnd = false;

  /** Opens the file. Throws SysError, or RefusedError for what is not a regular file. */
  constructor(host: Host, connection: Connection, path: string) {
    super(Ready.WRITABLE);
    this.host = host;
    this.connection = connection;
    // Opening a device may act on it: look first. What is there when it is opened counts.
    if (!stat(path).isRegular) throw new RefusedError("not a regular file");
    this.fd = openForReading(path);
    try {
      const status = fstat(this.fd);
      if (!status.isRegular) throw new RefusedError("not a regular file");
      if (status.size > CHUNK_BYTES) connection.expectBulk();
      this.header = fileReply(status.permissions, status.size);
    } catch (error) {
      close(this.fd);
      throw error;
    }
  }

  /** Begins to send, once the connection serves this operation. */
  start(): void {
    this.onWritable();
  }

  override onReadable(): void {}

  override onWritable(): void {
    for (let buffers = 0; buffers < BUFFERS_PER_TURN; buffers++) {
      if (this.isAtEnd) return this.finish();
      if (!this.sendMore()) return;
    }
  }

  override onPeerGone(): void {
    this.end();
  }

  /** Fills a buffer with whole frames and sends it. Returns whether more may be sent at once. */
  private sendMore(): boolean {
    const buffer = this.host.buffers.take();
    buffer.set(this.header, 0);
    let end = this.header.length;
    this.header = EMPTY;
    while (!this.isAtEnd && buffer.length - end >= 2 * HEADER_BYTES) {
      const room = Math.min(buffer.length - end - 2 * HEADER_BYTES, CHUNK_BYTES);
      if (room === 0) break;
      const length = read(this.fd, buffer, end + HEADER_BYTES, room);
      if (length < 0 && length !== -Errno.EAGAIN) {
        this.host.buffers.give(buffer);
        this.fail(-length);
        return false;
      }
      this.isAtEnd = length <= 0;
      writeHeader(buffer, end, this.isAtEnd ? FrameType.EOF : FrameType.DATA, this.isAtEnd ? 0 : length);
      end += HEADER_BYTES + (this.isAtEnd ? 0 : length);
    }
    this.hasBegun = true;
    return this.connection.sendBuffer(buffer, end);
  }

  /** The file cannot be read: says so while nothing has been sent. After that only an end without an end mark can. */
  private fail(errno: number): void {
    if (this.hasBegun) return this.connection.abort();
    this.connection.finish(errorReply(osErrorText(new SysError("read", errno, ""))), false);
    this.end();
  }

  private finish(): void {
    this.connection.finishSent();
    this.end();
  }

  private end(): void {
    close(this.fd);
    this.host.onOperationEnded();
  }
}

