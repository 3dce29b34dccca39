/** What a request speaks: its protocol and codec, by its content type; envd-rpc.md 2.2. */
import { Ascii, lowerText } from "../http/ascii.ts";
import { Pieces } from "../http/pieces.ts";
import { encodeText } from "../sys/bytes.ts";

export const enum Protocol {
  /** Connect without envelopes. */
  UNARY,
  /** Connect with envelopes. */
  STREAM,
  GRPC_WEB,
}

const UNARY_TYPES = ["application/json", "application/proto"];
const STREAM_TYPES = ["application/connect+json", "application/connect+proto"];
const GRPC_WEB_TYPES = ["application/grpc-web+json", "application/grpc-web+proto", "application/grpc-web"];
const TYPES = [UNARY_TYPES, STREAM_TYPES, GRPC_WEB_TYPES];

export class Dialect {
  readonly protocol: Protocol;
  readonly isJson: boolean;

  constructor(protocol: Protocol, isJson: boolean) {
    this.protocol = protocol;
    this.isJson = isJson;
  }

  /** The content type of an answer. */
  get contentType(): string {
    return TYPES.at(this.protocol)?.at(this.isJson ? 0 : 1) ?? "";
  }

  /** The name of the field that says how the messages of a request are compressed; in lower case. */
  get encodingField(): string {
    return ENCODING_FIELDS.at(this.protocol) ?? "";
  }

  /** The name of the field that says how they may be. */
  get acceptField(): string {
    return ACCEPT_FIELDS.at(this.protocol) ?? "";
  }
}

const ENCODING_FIELDS = ["content-encoding", "connect-content-encoding", "grpc-encoding"];
const ACCEPT_FIELDS = ["Accept-Encoding", "Connect-Accept-Encoding", "Grpc-Accept-Encoding"];

/** What a content type stands for, in whatever case and with whatever parameters; undefined where it is none of them. */
export function dialectOf(contentType: string): Dialect | undefined {
  const bytes = encodeText(contentType);
  const pieces = new Pieces(bytes, 0, bytes.length, Ascii.semicolon);
  pieces.next();
  const type = lowerText(bytes, pieces.start, pieces.stop);
  for (const protocol of [Protocol.UNARY, Protocol.STREAM, Protocol.GRPC_WEB]) {
    const index = TYPES.at(protocol)?.indexOf(type) ?? -1;
    if (index >= 0) return new Dialect(protocol, index === 0);
  }
  return undefined;
}

/** The types that a method takes, for Accept-Post. */
export function acceptedTypes(isUnary: boolean): string {
  return (isUnary ? UNARY_TYPES : STREAM_TYPES).concat(GRPC_WEB_TYPES).join(", ");
}
