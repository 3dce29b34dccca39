/** The requests of protocol v1, each over a connection of its own, checked for the rules that hold for all replies. */
import { parseJson } from "../../../json/parse.ts";
import { JsonValue } from "../../../json/value.ts";
import { CHUNK_BYTES, FrameType } from "../../../smolvm/frame.ts";
import type { Address } from "../../../sys/address.ts";
import { decodeText, encodeText } from "../../../sys/bytes.ts";
import { expectNumber, Failed, textOf } from "./check.ts";
import { Connection } from "./connection.ts";

/** What a command has given. */
export class RunResult {
  stdout = "";
  stderr = "";
  /** Bytes of both outputs. */
  bytes = 0;
  readonly reply: JsonValue;

  constructor(reply: JsonValue) {
    this.reply = reply;
  }

  get exitCode(): number {
    return this.reply.get("exit_code")?.asNumber() ?? NaN;
  }
}

/** A text as a JSON string. */
export function quoted(text: string): string {
  return textOf(JsonValue.string(text));
}

/** A request to run a command through `/bin/sh -c`, with more members in JSON, such as `,"timeout":1`. */
export function runRequest(cmd: string, more: string): string {
  return `{"op":"run","v":1,"shell":"raw","cmd":${quoted(cmd)}${more}}`;
}

export class Client {
  private readonly address: Address;

  constructor(address: Address) {
    this.address = address;
  }

  connect(): Connection {
    return Connection.open(this.address);
  }

  /** Connects and sends one request, given as JSON text. */
  open(request: string): Connection {
    const connection = this.connect();
    connection.sendFrame(FrameType.JSON, encodeText(request));
    return connection;
  }

  /** The reply to a request that is answered by one JSON frame. */
  ask(request: string): JsonValue {
    return this.reply(this.open(request));
  }

  /** The JSON frame that ends an answer, and nothing after it. */
  reply(connection: Connection): JsonValue {
    if (!connection.next()) throw new Failed("closed without a reply");
    const reply = replyOf(connection);
    connection.expectEnd();
    return reply;
  }

  ping(): void {
    const reply = this.ask('{"op":"ping","v":1}');
    if (reply.get("op")?.asString() !== "pong") throw new Failed(`no pong: ${textOf(reply)}`);
  }

  /** Runs a command through `/bin/sh -c`. */
  run(cmd: string): RunResult {
    return this.result(this.open(runRequest(cmd, "")));
  }

  /** Standard output of a command that succeeds. */
  output(cmd: string): string {
    const result = this.run(cmd);
    expectNumber(`exit code of '${cmd}', which said '${result.stderr}'`, result.exitCode, 0);
    return result.stdout;
  }

  /** Reads a run's answer to its end. */
  result(connection: Connection): RunResult {
    let stdout = "";
    let stderr = "";
    let bytes = 0;
    while (connection.next()) {
      if (connection.type === FrameType.JSON) {
        const result = new RunResult(replyOf(connection));
        result.stdout = stdout;
        result.stderr = stderr;
        result.bytes = bytes;
        connection.expectEnd();
        return result;
      }
      const payload = connection.payload;
      bytes += payload.length;
      if (connection.type === FrameType.STDOUT) stdout += decodeText(payload, 0, payload.length);
      else if (connection.type === FrameType.STDERR) stderr += decodeText(payload, 0, payload.length);
      else throw new Failed(`a frame of type ${connection.type} in the answer to run`);
    }
    throw new Failed("closed before the terminator");
  }

  /** Stores a file, with more members of the request in JSON. */
  put(path: string, content: Uint8Array, more: string): JsonValue {
    const connection = this.open(`{"op":"put_file","v":1,"path":${quoted(path)},"size":${content.length}${more}}`);
    for (let at = 0; at < content.length; at += CHUNK_BYTES) {
      connection.sendFrame(FrameType.DATA, content.subarray(at, Math.min(at + CHUNK_BYTES, content.length)));
    }
    connection.sendFrame(FrameType.EOF, new Uint8Array(0));
    return this.reply(connection);
  }

  /** Opens a file for download: the header, with the connection at the first DATA frame. */
  openGet(path: string): Connection {
    return this.open(`{"op":"get_file","v":1,"path":${quoted(path)}}`);
  }

  /** The refusal of a download. */
  refusedGet(path: string): JsonValue {
    return this.reply(this.openGet(path));
  }

  /** A whole file as text. */
  get(path: string): string {
    const connection = this.openGet(path);
    if (!connection.next()) throw new Failed("closed without a header");
    const header = replyOf(connection);
    if (header.get("ok")?.asBool() !== true) throw new Failed(`get_file refused: ${textOf(header)}`);
    let text = "";
    while (connection.next()) {
      if (connection.type === FrameType.EOF) {
        connection.expectEnd();
        return text;
      }
      text += decodeText(connection.payload, 0, connection.payload.length);
    }
    throw new Failed("closed before the EOF frame");
  }
}

/** The object in a connection's current frame. */
export function replyOf(connection: Connection): JsonValue {
  if (connection.type !== FrameType.JSON) throw new Failed(`a frame of type ${connection.type} instead of JSON`);
  return parseJson(connection.payload, 0, connection.payload.length);
}
