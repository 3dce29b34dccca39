/** The HTTP handler of a set of methods: Connect and gRPC-Web over POST; envd-rpc.md 2.1 to 2.3. */
import { Discard } from "../http/discard.ts";
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import type { Loop } from "../sys/loop.ts";
import { Call } from "./call.ts";
import { Code, httpStatus } from "./code.ts";
import { MESSAGE_LIMIT, tooLong } from "./collector.ts";
import { acceptedTypes, type Dialect, dialectOf, Protocol } from "./dialect.ts";
import { internal, invalid, printError, RpcError } from "./error.ts";
import { Message } from "./message.ts";
import { type Method, MethodKind } from "./method.ts";
import { DRAIN_LIMIT, RequestReader } from "./request.ts";
import { MessageType } from "./schema.ts";
import { connectTimeout, grpcTimeout } from "./timeout.ts";
import { MessageWriter } from "./writer.ts";

const NONE = new Uint8Array(0);
const NO_TYPE = new MessageType("");

export class Service extends Handler {
  private readonly loop: Loop;
  private readonly methods: readonly Method[];
  private readonly headers: readonly string[];

  /** `headers` are the fields of requests that the methods look at, in lower case. */
  constructor(loop: Loop, methods: readonly Method[], headers: readonly string[]) {
    super();
    this.loop = loop;
    this.methods = methods;
    this.headers = headers;
  }

  /** Whether a path is that of a method. */
  has(path: string): boolean {
    return this.find(path) !== undefined;
  }

  /** Gives up what is made at the first call. For when there is no call: it would keep what the next one makes anew. */
  forgetTypes(): void {
    for (const method of this.methods) method.schema.forget();
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    const path = request.path;
    const method = this.find(path);
    const dialect = dialectOf(request.field("content-type") ?? "");
    if (method === undefined) {
      const error = new RpcError(Code.UNIMPLEMENTED, `method not found: ${path.slice(1)}`);
      return this.answer(exchange, request, dialect, error, Status.NOT_FOUND);
    }
    if (request.method !== "POST") {
      exchange.addField("Allow", "POST");
      return answerLater(exchange, request, () => exchange.respond(Status.METHOD_NOT_ALLOWED, NONE));
    }
    if (dialect === undefined || !method.takes(dialect.protocol)) {
      exchange.addField("Accept-Post", acceptedTypes(method.kind === MethodKind.UNARY));
      return answerLater(exchange, request, () => exchange.respond(Status.UNSUPPORTED_MEDIA_TYPE, NONE));
    }
    const call = new Call(this.loop, exchange, dialect, method.schema.type(method.output), this.kept(request));
    try {
      this.prepare(call, request, dialect);
      if (method.kind === MethodKind.CLIENT_STREAM) method.start(call, new Message(undefined, NONE, 0, 0));
    } catch (error) {
      const failure = error instanceof RpcError ? error : internal(error instanceof Error ? error.message : "");
      return answerLater(exchange, request, () => call.fail(failure));
    }
    // A client that leaves ends a stream, not what works for one answer.
    if (method.kind === MethodKind.SERVER_STREAM) exchange.endsWithPeer = true;
    const isGzip = request.field(dialect.encodingField) === "gzip";
    exchange.receive(new RequestReader(call, method, dialect, request.contentLength, isGzip));
  }

  /** Answers a request with an error in the form that its content type asks for: for who refuses requests beforehand. */
  refuse(exchange: Exchange, request: RequestHead, error: RpcError): void {
    this.answer(exchange, request, dialectOf(request.field("content-type") ?? ""), error, httpStatus(error.code));
  }

  private find(path: string): Method | undefined {
    for (const method of this.methods) if (method.path === path) return method;
    return undefined;
  }

  private kept(request: RequestHead): Map<string, string> {
    const kept = new Map<string, string>();
    for (const name of this.headers) {
      const value = request.field(name);
      if (value !== undefined) kept.set(name, value);
    }
    return kept;
  }

  /** What the head says of the call. Throws RpcError. */
  private prepare(call: Call, request: RequestHead, dialect: Dialect): void {
    const isGrpc = dialect.protocol === Protocol.GRPC_WEB;
    const version = isGrpc ? "1" : (request.field("connect-protocol-version") ?? "1");
    if (version !== "1") throw invalid(`connect-protocol-version must be "1": got "${version}"`);
    const timeout = request.field(isGrpc ? "grpc-timeout" : "connect-timeout-ms");
    if (timeout !== undefined) {
      const milliseconds = isGrpc ? grpcTimeout(timeout) : connectTimeout(timeout);
      if (milliseconds === 0) throw new RpcError(Code.DEADLINE_EXCEEDED, "context deadline exceeded");
      call.limit(milliseconds);
    }
    const encoding = request.field(dialect.encodingField) ?? "";
    if (encoding !== "" && encoding !== "identity" && encoding !== "gzip") {
      throw new RpcError(Code.UNIMPLEMENTED, `unknown compression "${encoding}": supported encodings are gzip`);
    }
    if (dialect.protocol === Protocol.UNARY && request.contentLength >= MESSAGE_LIMIT) throw tooLong();
  }

  private answer(exchange: Exchange, request: RequestHead, dialect: Dialect | undefined, error: RpcError, status: number): void {
    if (dialect !== undefined && dialect.protocol !== Protocol.UNARY) {
      const call = new Call(this.loop, exchange, dialect, NO_TYPE, new Map<string, string>());
      return answerLater(exchange, request, () => call.fail(error));
    }
    const out = new MessageWriter();
    printError(out, error);
    exchange.addField("Content-Type", "application/json");
    answerLater(exchange, request, () => exchange.respond(status, out.bytes.slice(0, out.size)));
  }
}

/** Answers when the body has come, where it is short, so that the connection can go on; else at once. */
function answerLater(exchange: Exchange, request: RequestHead, answer: () => void): void {
  if (request.contentLength <= 0 || request.contentLength > DRAIN_LIMIT) return answer();
  exchange.receive(new Discard(answer));
}
