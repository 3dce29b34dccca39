/** Responses of envd's endpoints; envd-http.md 2.5. */
import { Status } from "../http/status.ts";
import type { Exchange } from "../http/exchange.ts";
import { printJson } from "../json/print.ts";
import { JsonValue } from "../json/value.ts";
import { decodeText, encodeText, fileBytes } from "../sys/bytes.ts";
import type { Failure } from "./failure.ts";

const NONE = new Uint8Array(0);

/** 204 without anything. */
export function replyNothing(exchange: Exchange): void {
  exchange.respond(Status.NO_CONTENT, NONE);
}

/** 200 with a JSON value. */
export function replyJson(exchange: Exchange, value: JsonValue): void {
  exchange.addField("Content-Type", "application/json");
  exchange.respond(Status.OK, printJson(value));
}

/** A status without a body. */
export function replyEmpty(exchange: Exchange, status: number): void {
  exchange.respond(status, NONE);
}

/** Plain text, as it is. */
export function replyText(exchange: Exchange, status: number, text: string): void {
  exchange.addField("Content-Type", "text/plain; charset=utf-8");
  exchange.respond(status, encodeText(text));
}

/** What a failure says. */
export function replyFailure(exchange: Exchange, failure: Failure): void {
  if (failure.isText) replyText(exchange, failure.status, `${failure.message}\n`);
  else replyError(exchange, failure.status, shownText(failure.message));
}

/** A text that may have names of files in it, for a JSON document: bytes that are no UTF-8 become U+FFFD there. */
export function shownText(text: string): string {
  const bytes = fileBytes(text);
  return decodeText(bytes, 0, bytes.length);
}

/** The error object `{"code": <status>, "message": <text>}`. */
export function replyError(exchange: Exchange, status: number, message: string): void {
  exchange.addField("Content-Type", "application/json; charset=utf-8");
  exchange.addField("X-Content-Type-Options", "nosniff");
  const object = JsonValue.object().set("code", JsonValue.number(status)).set("message", JsonValue.string(message));
  exchange.respond(status, printJson(object));
}
