/** What a connection says by itself, without a handler. */
import { encodeText } from "../sys/bytes.ts";
import { dateField } from "./date-field.ts";
import { statusText } from "./status.ts";

/** The client may send the body; RFC 9110 section 15.2.1. */
export const CONTINUE = encodeText("HTTP/1.1 100 Continue\r\n\r\n");

/** The last response on a connection, for what cannot be handled as a request. */
export function refusal(status: number, message: string): Uint8Array {
  const body = `${message}\n`;
  const head = `HTTP/1.1 ${statusText(status)}\r\n${dateField()}Content-Type: text/plain; charset=utf-8\r\n`;
  return encodeText(`${head}Content-Length: ${encodeText(body).length}\r\nConnection: close\r\n\r\n${body}`);
}
