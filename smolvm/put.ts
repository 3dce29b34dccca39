/** `put_file`: bytes into a temporary that takes the target's place when it is whole. */
import { TEMPORARY_PREFIX } from "../json/temporaries.ts";
import type { JsonValue } from "../json/value.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { TemporaryFile } from "../sys/file.ts";
import { absolutePath, directoryOf } from "../sys/path.ts";
import { Ready } from "../sys/loop.ts";
import { isFalsy, toInteger, toText } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { CHUNK_BYTES, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, payloadLength } from "./frame.ts";
import type { Host } from "./host.ts";
import { Operation } from "./operation.ts";
import { osErrorText } from "./python.ts";
import { DONE, errorReply } from "./reply.ts";

const READS_PER_TURN = 4;
/** No mode given: the temporary's 0600 stays. */
const NO_MODE = -1;

/** A checked `put_file` request. */
export class PutRequest {
  /** Absolute; empty where the request names none. */
  readonly path: string;
  /** Bytes that follow. */
  readonly size: number;
  readonly mode: number;

  private constructor(path: string, size: number, mode: number) {
    this.path = path;
    this.size = size;
    this.mode = mode;
  }

  /** Reads the arguments. Throws ArgumentError or SysError. */
  static parse(request: JsonValue): PutRequest {
    const path = request.get("path");
    const size = request.get("size");
    const mode = request.get("mode");
    return new PutRequest(
      path === undefined || isFalsy(path) ? "" : absolutePath(toText(path)),
      size === undefined || size.isNull() ? 0 : toInteger(size),
      mode === undefined || mode.isNull() ? NO_MODE : toInteger(mode) & 0o7777,
    );
  }
}

export class PutOperation extends Operation {
  private readonly host: Host;
  private readonly connection: Connection;
  private readonly request: PutRequest;
  private file: TemporaryFile | undefined;
  /** The file's path; empty before there is one. */
  private temporary = "";
  /** Why the bytes are only counted and dropped. */
  private failure = "";
  /** Payload bytes still to come in all. */
  private missing: number;
  /** Payload bytes still to come in the current frame. */
  private inFrame = 0;
  private readonly header = new Uint8Array(HEADER_BYTES);
  private headerBytes = 0;
  private isOver = false;

  constructor(host: Host, connection: Connection, request: PutRequest) {
    super(Ready.READABLE);
    this.host = host;
    this.connection = connection;
    this.request = request;
    this.missing = request.size;
  }

  /** Begins, once the connection serves this operation. */
  start(): void {
    if (this.request.path === "") this.failure = "missing 'path'";
    else this.create();
    const rest = this.connection.takeRest();
    if (this.missing <= 0) this.complete();
    else if (rest !== undefined) this.consume(rest, rest.length);
  }

  private create(): void {
    try {
      this.temporary = TemporaryFile.nameIn(directoryOf(this.request.path), TEMPORARY_PREFIX);
      this.host.temporaries.add(this.temporary);
      this.file = TemporaryFile.create(this.temporary);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.failure = `cannot create file: ${osErrorText(error)}`;
    }
  }

  override onReadable(): void {
    const buffers = this.host.buffers;
    const buffer = buffers.take();
    for (let reads = 0; reads < READS_PER_TURN && !this.isOver; reads++) {
      // Up to the header that follows: each read then ends a frame, and each write is one frame's payload.
      const wanted = this.inFrame === 0 ? CHUNK_BYTES + HEADER_BYTES : this.inFrame + HEADER_BYTES;
      const received = this.connection.receiveInto(buffer, wanted);
      if (received === -Errno.EAGAIN) break;
      if (received === 0) this.connection.abort();
      else this.consume(buffer, received);
    }
    buffers.give(buffer);
  }

  override onWritable(): void {}

  override onPeerGone(): void {
    this.file?.discard();
    this.end();
  }

  /** Takes bytes [0, end) of the frame stream. */
  private consume(bytes: Uint8Array, end: number): void {
    let position = 0;
    while (position < end && !this.isOver) {
      if (this.inFrame > 0) {
        const length = Math.min(this.inFrame, end - position);
        this.store(bytes, position, position + length);
        position += length;
        this.inFrame -= length;
        this.missing -= length;
        if (this.inFrame === 0 && this.missing <= 0) this.complete();
        continue;
      }
      const length = Math.min(HEADER_BYTES - this.headerBytes, end - position);
      this.header.set(bytes.subarray(position, position + length), this.headerBytes);
      this.headerBytes += length;
      position += length;
      if (this.headerBytes === HEADER_BYTES) this.onHeader();
    }
  }

  private onHeader(): void {
    const type = this.header[0] ?? 0;
    const length = payloadLength(this.header, 0);
    this.headerBytes = 0;
    if (length > MAX_PAYLOAD_BYTES) return this.connection.abort();
    if (type === FrameType.DATA) {
      this.inFrame = length;
      return;
    }
    if (type === FrameType.EOF) return this.complete();
    this.file?.discard();
    this.finish(errorReply(`unexpected frame type ${type} during upload`));
  }

  private store(bytes: Uint8Array, start: number, end: number): void {
    if (this.file === undefined) return;
    try {
      this.file.append(bytes, start, end);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.fail(error);
    }
  }

  /** Gives the file up; the payload that still comes is dropped, so that the answer is read in order. */
  private fail(error: SysError): void {
    this.failure = osErrorText(error);
    this.file?.discard();
    this.file = undefined;
  }

  private complete(): void {
    const file = this.file;
    if (file !== undefined) {
      try {
        if (this.request.mode !== NO_MODE) file.chmod(this.request.mode);
        file.replace(this.request.path);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        this.fail(error);
      }
    }
    this.finish(this.failure === "" ? DONE : errorReply(this.failure));
  }

  private finish(reply: Uint8Array): void {
    // The peer's own EOF frame may still be on its way.
    this.connection.finish(reply, true);
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.file = undefined;
    if (this.temporary !== "") this.host.temporaries.remove(this.temporary);
    this.host.onOperationEnded();
  }
}
