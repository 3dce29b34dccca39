/** What a call fails with, and how each protocol says it; envd-rpc.md 2.6, 2.7, 2.13. */
import { Output } from "../json/output.ts";
import { printText } from "../json/print.ts";
import { encodeText } from "../sys/bytes.ts";
import { Code, codeName } from "./code.ts";

/** A call fails with a code and a text, both of which its caller gets to see. */
export class RpcError extends Error {
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

/** The error of a message that is malformed or does not fit its type. */
export function invalid(message: string): RpcError {
  return new RpcError(Code.INVALID_ARGUMENT, message);
}

/** What a caller is told of anything else that was thrown: its text, and that it was internal. */
export function internal(message: string): RpcError {
  return new RpcError(Code.INTERNAL, message);
}

/** Appends a text in ASCII that needs no escapes. */
function put(out: Output, text: string): void {
  const bytes = encodeText(text);
  out.write(bytes, 0, bytes.length);
}

/** Appends the error object of Connect. A message that is empty is left out. */
export function printError(out: Output, error: RpcError): void {
  put(out, `{"code":"${codeName(error.code)}"`);
  const message = encodeText(error.message);
  if (message.length > 0) {
    put(out, ',"message":');
    printText(out, message, 0, message.length);
  }
  put(out, "}");
}

/** Appends the end-of-stream message of Connect. */
export function printEnd(out: Output, error: RpcError | undefined): void {
  if (error === undefined) return put(out, "{}");
  put(out, '{"error":');
  printError(out, error);
  put(out, "}");
}

/** Appends the trailers of gRPC-Web. */
export function printTrailers(out: Output, error: RpcError | undefined): void {
  put(out, `grpc-status: ${error === undefined ? Code.OK : error.code}\r\n`);
  if (error === undefined || error.message === "") return;
  put(out, "grpc-message: ");
  percentEncode(out, encodeText(error.message));
  put(out, "\r\n");
}

const HEX = encodeText("0123456789ABCDEF");

/** Percent-encodes what is not printable ASCII, and the percent sign: what gRPC does to the text of a status. */
function percentEncode(out: Output, bytes: Uint8Array): void {
  for (const byte of bytes) {
    if (byte >= 0x20 && byte <= 0x7e && byte !== 0x25) {
      out.byte(byte);
      continue;
    }
    out.byte(0x25);
    out.byte(HEX[byte >> 4] ?? 0);
    out.byte(HEX[byte & 15] ?? 0);
  }
}
