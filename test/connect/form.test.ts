// The forms of what is not a message: errors, content types, timeouts.

import { Code as Theirs } from "@connectrpc/connect";
import { codeFromString, codeToString } from "@connectrpc/connect/protocol-connect";
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Code, codeName, httpStatus } from "../../connect/code.ts";
import { acceptedTypes, dialectOf, Protocol } from "../../connect/dialect.ts";
import { printEnd, printError, printTrailers, RpcError } from "../../connect/error.ts";
import { connectTimeout, grpcTimeout } from "../../connect/timeout.ts";
import { Output } from "../../json/output.ts";

function printed(print: (out: Output) => void): string {
  const out = new Output(new Uint8Array(4), 0);
  print(out);
  return new TextDecoder().decode(out.bytes.subarray(0, out.size));
}

test("codes have the names of Connect, and statuses", () => {
  const statuses = [499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
  for (let code = 1; code <= 16; code++) {
    expect(codeName(code)).toBe(codeToString(code as Theirs));
    expect(codeFromString(codeName(code))).toBe(code as Theirs);
    expect(httpStatus(code)).toBe(statuses[code - 1] ?? 0);
  }
});

test("the error object", () => {
  const error = new RpcError(Code.NOT_FOUND, "process with pid 999999 not found");
  expect(printed((out) => printError(out, error))).toBe("{\"code\":\"not_found\",\"message\":\"process with pid 999999 not found\"}");
  expect(printed((out) => printError(out, new RpcError(Code.INTERNAL, "")))).toBe("{\"code\":\"internal\"}");
  expect(printed((out) => printEnd(out, undefined))).toBe("{}");
  expect(printed((out) => printEnd(out, new RpcError(Code.ABORTED, "\"\n")))).toBe("{\"error\":{\"code\":\"aborted\",\"message\":\"\\\"\\n\"}}");
});

test("trailers of gRPC-Web", () => {
  expect(printed((out) => printTrailers(out, undefined))).toBe("grpc-status: 0\r\n");
  fc.assert(fc.property(fc.string({ unit: "grapheme", minLength: 1 }), (text) => {
    const trailers = printed((out) => printTrailers(out, new RpcError(Code.NOT_FOUND, text)));
    const [status, message, ...rest] = trailers.split("\r\n");
    expect([status, rest]).toEqual(["grpc-status: 5", [""]]);
    expect(message).toMatch(/^grpc-message: [\x20-\x7e]*$/);
    expect(decodeURIComponent((message ?? "").slice("grpc-message: ".length))).toBe(text);
  }));
});

test.each([
  ["application/json", Protocol.UNARY, true],
  ["Application/JSON; Charset=UTF-8", Protocol.UNARY, true],
  ["application/proto", Protocol.UNARY, false],
  [" application/connect+json ;x", Protocol.STREAM, true],
  ["application/connect+proto", Protocol.STREAM, false],
  ["application/grpc-web", Protocol.GRPC_WEB, false],
  ["application/grpc-web+proto", Protocol.GRPC_WEB, false],
  ["application/grpc-web+json", Protocol.GRPC_WEB, true],
])("%s", (type, protocol, isJson) => {
  const dialect = dialectOf(type);
  expect([dialect?.protocol, dialect?.isJson]).toEqual([protocol, isJson]);
  expect(acceptedTypes(protocol === Protocol.UNARY)).toContain(dialect?.contentType ?? "?");
});

test.each([
  "", "text/plain", "application/jsonx", "application/grpc", "application/grpc+proto", "application/grpc-web-text", "application/grpc-web-text+proto",
  "application/connect", "json", "application/json, application/proto",
])("%j is none of them", (type) => expect(dialectOf(type)).toBeUndefined());

test("timeouts of Connect", () => {
  expect(["0", "1", "0005", "9999999999"].map(connectTimeout)).toEqual([0, 1, 5, 9_999_999_999]);
  for (const text of ["", "abc", "-5", "+5", "1.5", " 1", "12345678901"]) expect(() => connectTimeout(text)).toThrow(RpcError);
});

test("timeouts of gRPC", () => {
  expect(["1n", "5u", "200m", "3S", "2M", "99999999H", "0m"].map(grpcTimeout)).toEqual([1e-6, 0.005, 200, 3000, 120_000, 359_999_996_400_000, 0]);
  for (const text of ["", "5", "m", "5x", "5 m", "-5m", "123456789S", "5mm"]) expect(() => grpcTimeout(text)).toThrow(RpcError);
});
