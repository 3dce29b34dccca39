/** What a case expects. */
import { decodeText } from "../../../sys/bytes.ts";
import { monotonicNow } from "../../../sys/clock.ts";
import type { JsonValue } from "../../../json/value.ts";
import { printJson } from "../../../json/print.ts";

/** An expectation that was not met. */
export class Failed extends Error {}

/** Characters of a text that a failure shows. */
const SHOWN = 200;

export function expectTrue(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Failed(what);
}

export function expectText(what: string, got: string, wanted: string): void {
  if (got !== wanted) throw new Failed(`${what}: '${got.slice(0, SHOWN)}' instead of '${wanted.slice(0, SHOWN)}'`);
}

export function expectNumber(what: string, got: number, wanted: number): void {
  if (got !== wanted) throw new Failed(`${what}: ${got} instead of ${wanted}`);
}

/** A value as JSON text. */
export function textOf(value: JsonValue): string {
  const bytes = printJson(value);
  return decodeText(bytes, 0, bytes.length);
}

/** Expects a refusal with this error. */
export function expectError(reply: JsonValue, error: string): void {
  expectTrue(`no refusal: ${textOf(reply)}`, reply.get("ok")?.asBool() === false);
  expectText("the error", reply.get("error")?.asString() ?? "", error);
}

/** Expects a refusal whose error begins so. */
export function expectErrorStart(reply: JsonValue, start: string): void {
  expectTrue(`no refusal: ${textOf(reply)}`, reply.get("ok")?.asBool() === false);
  const error = reply.get("error")?.asString() ?? "";
  expectText("the error", error.slice(0, start.length), start);
}

export function expectOk(reply: JsonValue): void {
  expectTrue(`refused: ${textOf(reply)}`, reply.get("ok")?.asBool() === true);
}

/** Milliseconds for what has no event of its own; a bound for failure, not a measure of speed. */
const PATIENCE = 20_000;

export type Condition = () => boolean;

/** Asks until the condition holds. */
export function until(what: string, condition: Condition): void {
  const began = monotonicNow();
  while (!condition()) {
    if (monotonicNow() - began > PATIENCE) throw new Failed(`not within ${PATIENCE / 1000} s: ${what}`);
  }
}
