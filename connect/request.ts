/** The body of a request: its messages, taken as they come; envd-rpc.md 2.4, 2.5, 2.11. */
import { BodyReader } from "../http/roles.ts";
import { Code } from "./code.ts";
import { Collector } from "./collector.ts";
import type { Call } from "./call.ts";
import { type Dialect, Protocol } from "./dialect.ts";
import { EnvelopeReader, Flag } from "./envelope.ts";
import { internal, RpcError } from "./error.ts";
import { messageFromJson } from "./from-json.ts";
import { inflate } from "./inflate.ts";
import { Message } from "./message.ts";
import { type Method, MethodKind } from "./method.ts";
import { checkMessage } from "./wire.ts";

/** How much of a body that is of no use any more is read so that the connection can go on. */
export const DRAIN_LIMIT = 1024 * 1024;

const NONE = new Uint8Array(0);

export class RequestReader extends BodyReader {
  private readonly call: Call;
  private readonly method: Method;
  private readonly isJson: boolean;
  /** Undefined where the body is one message without an envelope. */
  private readonly envelopes: EnvelopeReader | undefined;
  private readonly contentLength: number;
  /** Whether the one message is compressed. */
  private isCompressed: boolean;
  /** The one message of a call whose client does not stream. */
  private readonly body: Collector;
  private count = 0;
  /** What the call fails with when its body has come. */
  private error: RpcError | undefined;
  private drained = 0;

  /** `contentLength` is that of the body, negative where it is not known; `isGzip`: messages may be compressed. */
  constructor(call: Call, method: Method, dialect: Dialect, contentLength: number, isGzip: boolean) {
    super();
    this.call = call;
    this.body = new Collector(call.room);
    this.method = method;
    this.isJson = dialect.isJson;
    this.contentLength = contentLength;
    this.isCompressed = isGzip;
    if (dialect.protocol !== Protocol.UNARY) {
      this.envelopes = new EnvelopeReader(dialect.protocol === Protocol.GRPC_WEB ? Flag.TRAILERS : Flag.END, isGzip, call.room);
    }
  }

  override onBody(bytes: Uint8Array, start: number, end: number): number {
    if (this.error !== undefined) this.drain(end - start);
    if (this.error !== undefined || this.call.isOver) return end - start;
    try {
      return this.take(bytes, start, end);
    } catch (error) {
      this.refuse(error instanceof RpcError ? error : internal(error instanceof Error ? error.message : ""));
      return end - start;
    }
  }

  override onBodyEnd(): void {
    if (this.error !== undefined) return this.call.fail(this.error);
    if (this.call.isOver) return;
    try {
      this.envelopes?.close();
      if (this.method.kind === MethodKind.CLIENT_STREAM) return this.call.reader?.onEnd();
      if (this.envelopes !== undefined && this.count === 0) throw unlike("zero messages");
      const { bytes, size } = this.body;
      this.body.clear();
      this.method.start(this.call, this.decode(bytes, 0, size, this.isCompressed));
    } catch (error) {
      this.call.fail(error instanceof RpcError ? error : internal(error instanceof Error ? error.message : ""));
    }
  }

  override onBodyLost(): void {}

  private take(bytes: Uint8Array, start: number, end: number): number {
    const envelopes = this.envelopes;
    if (envelopes === undefined) {
      this.body.add(bytes, start, end, this.contentLength);
      return end - start;
    }
    let at = start;
    while (at < end && !this.call.isPaused && !this.call.isOver) {
      at += envelopes.take(bytes, at, end);
      if (envelopes.isWhole) this.onMessage(envelopes);
    }
    return at - start;
  }

  private onMessage(envelope: EnvelopeReader): void {
    const { bytes, start, end, isCompressed } = envelope;
    if (this.method.kind === MethodKind.CLIENT_STREAM) {
      if (this.call.reader?.onMessage(this.decode(bytes, start, end, isCompressed)) === false) this.call.isPaused = true;
      return;
    }
    this.count += 1;
    if (this.count > 1) throw unlike("multiple messages");
    this.isCompressed = isCompressed;
    this.body.add(bytes, start, end, end - start);
  }

  /** The message of bytes [start, end), which may be lent. */
  private decode(bytes: Uint8Array, start: number, end: number, isCompressed: boolean): Message {
    if (isCompressed && start < end) {
      const inflated = inflate(bytes, start, end);
      return this.decode(inflated, 0, inflated.length, false);
    }
    const type = this.method.schema.type(this.method.input);
    // In an envelope no bytes are the message with nothing in it, in JSON, too.
    if (start === end && this.envelopes !== undefined) return new Message(type, NONE, 0, 0);
    if (this.isJson) return messageFromJson(type, bytes, start, end);
    checkMessage(type, bytes, start, end);
    return new Message(type, bytes, start, end);
  }

  /** A client that streams is answered at once; others have sent the rest already, and can go on with the connection. */
  private refuse(error: RpcError): void {
    this.body.clear();
    if (this.method.kind === MethodKind.CLIENT_STREAM || error.code === Code.RESOURCE_EXHAUSTED) return this.call.fail(error);
    this.error = error;
  }

  private drain(count: number): void {
    this.drained += count;
    if (this.drained > DRAIN_LIMIT && this.error !== undefined) this.call.fail(this.error);
  }
}

function unlike(what: string): RpcError {
  return new RpcError(Code.UNIMPLEMENTED, `protocol error: ${what} where one is needed`);
}
