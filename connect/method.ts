/** What can be called. */
import type { Call } from "./call.ts";
import { Protocol } from "./dialect.ts";
import type { Message } from "./message.ts";
import type { Schema } from "./schema.ts";

export const enum MethodKind {
  UNARY,
  SERVER_STREAM,
  CLIENT_STREAM,
}

export abstract class Method {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly kind: MethodKind;
  readonly schema: Schema;
  /** The names of the types of its requests and answers. */
  readonly input: string;
  readonly output: string;

  constructor(path: string, kind: MethodKind, schema: Schema, input: string, output: string) {
    this.path = path;
    this.kind = kind;
    this.schema = schema;
    this.input = input;
    this.output = output;
  }

  /** Whether a protocol can call it. */
  takes(protocol: Protocol): boolean {
    return protocol === Protocol.GRPC_WEB || (protocol === Protocol.UNARY) === (this.kind === MethodKind.UNARY);
  }

  /**
   * A call with its request, which is lent until this returns. Where the client streams, the request is empty, and the
   * call is to get its reader here. An RpcError thrown here is the answer.
   */
  abstract start(call: Call, request: Message): void;
}
