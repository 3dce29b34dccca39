// What Connect and gRPC-Web answer, read from envd-rpc.md 2: types, envelopes and codes.

import { expect } from "bun:test";
import type { Answer } from "./raw.ts";

export const J = "application/json";
export const P = "application/proto";
export const CJ = "application/connect+json";
export const CP = "application/connect+proto";
export const W = "application/grpc-web+proto";

export function envelopes(body: Buffer): [number, string][] {
  const found: [number, string][] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    expect(end).toBeLessThanOrEqual(body.length);
    found.push([body.readUInt8(at), body.subarray(at + 5, end).toString()]);
    at = end;
  }
  return found;
}

/** The code of a stream that has failed before its first message. */
export function endCode(answer: Answer): string {
  const [last, ...rest] = envelopes(answer.body);
  expect([answer.status, rest, last?.[0]]).toEqual([200, [], 2]);
  const { error } = JSON.parse(last?.[1] ?? "") as { error: { code: string } };
  return error.code;
}

export function code(answer: Answer): [number, string] {
  expect(answer.headers.get("content-type")).toBe(J);
  return [answer.status, (JSON.parse(answer.body.toString()) as { code: string }).code];
}
