/** The JSON frames that the agent sends. */
import { JsonValue } from "../json/value.ts";
import { printJson } from "../json/print.ts";
import { encodeText } from "../sys/bytes.ts";
import { frame, FrameType } from "./frame.ts";
import { floatRepr } from "./python.ts";
import { VERSION } from "../version.ts";

function json(text: string): Uint8Array {
  return frame(FrameType.JSON, encodeText(text));
}

/** Answer to `ping`; the same every time. */
export const PONG = json('{"ok": true, "op": "pong", "agent_version": "' + VERSION + '", "proto": 1}');

/** Answer to a finished `put_file`. */
export const DONE = json(`{"ok": true}`);

/** End of a `run`; a negative code is the signal that killed the command. */
export function exitReply(code: number): Uint8Array {
  return json(`{"ok": true, "op": "exit", "exit_code": ${code}}`);
}

/** End of a `run` that took longer than its limit. */
export function timeoutReply(seconds: number): Uint8Array {
  return json(`{"ok": true, "op": "timeout", "timeout": ${floatRepr(seconds)}}`);
}

/** What `get_file` sends before the bytes. */
export function fileReply(mode: number, size: number): Uint8Array {
  return json(`{"ok": true, "mode": ${mode}, "size": ${size}}`);
}

/** A request that could not be served. */
export function errorReply(error: string): Uint8Array {
  return frame(FrameType.JSON, printJson(JsonValue.object().set("ok", JsonValue.bool(false)).set("error", JsonValue.string(error))));
}

/** A `run` that did not start: its errors name an `op`. */
export function runErrorReply(error: string): Uint8Array {
  const reply = JsonValue.object().set("ok", JsonValue.bool(false)).set("op", JsonValue.string("error"));
  return frame(FrameType.JSON, printJson(reply.set("error", JsonValue.string(error))));
}
