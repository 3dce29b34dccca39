// Routes and unary calls of Connect as bytes on the wire, with what no client of theirs sends; the numbers are cases of
// envd-rpc.md 6.

import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { CJ, code, CP, endCode, J, P, W } from "./answers.ts";
import { envelope } from "./envelope.ts";
import { onEachHost } from "./on-each-host.ts";
import { head, RawClient, request } from "./raw.ts";

onEachHost((echo) => {
  describe("routes", () => {
    test.each(["/test.Echo/Nope", "/test.echo/unary", "/test.Echo/Unary/", "/api/test.Echo/Unary", "/"])("P01, P03: %s", async (path) => {
      for (const type of [J, P, "text/plain", undefined]) expect(code(await echo.post(path, type, "{}"))).toEqual([404, "unimplemented"]);
      expect((await echo.post(path, J, "{}")).body.toString()).toContain(`method not found: ${path.slice(1)}`);
    });

    test("P02: an unknown method for a stream", async () => {
      const answer = await echo.post("/test.Echo/Nope", CJ, envelope("{}"));
      expect(answer.headers.get("content-type")).toBe(CJ);
      expect(endCode(answer)).toBe("unimplemented");
      expect((await echo.post("/test.Echo/Nope", W, envelope(""))).body.toString()).toContain("grpc-status: 12\r\n");
    });

    test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("P04, P05: %s", async (method) => {
      const client = await RawClient.open(echo.server.port);
      await client.send(head(`${method} /test.Echo/Unary?encoding=json&message=%7B%7D`, {}));
      const text = (await client.bytes(20)).toString();
      expect(text).toStartWith("HTTP/1.1 405 ");
      client.close();
      if (method !== "HEAD") expect((await request(echo.server.port, `${method} /test.Echo/Unary`, {})).headers.get("allow")).toBe("POST");
    });

    test("P06, P07, G07: types that are not taken", async () => {
      for (const type of [undefined, "text/plain", "application/xml", CJ, CP, "application/grpc-web-text", "application/grpc", "application/jsonx"]) {
        const answer = await echo.post("/test.Echo/Unary", type, "{}");
        expect([type, answer.status, answer.headers.get("accept-post"), answer.body.length]).toEqual([
          type, 415, "application/json, application/proto, application/grpc-web+json, application/grpc-web+proto, application/grpc-web", 0,
        ]);
      }
      for (const type of [J, P]) {
        const answer = await echo.count(type, "{}");
        expect([answer.status, answer.headers.get("accept-post")?.startsWith(`${CJ}, ${CP}, `)]).toEqual([415, true]);
      }
    });

    test("P08: types in any case, with parameters", async () => {
      const answer = await echo.unary("Application/JSON; Charset=UTF-8", "{\"name\":\"x\"}");
      expect([answer.status, answer.headers.get("content-type"), answer.body.toString()]).toEqual([200, J, "{\"name\":\"x\"}"]);
    });
  });

  describe("unary", () => {
    test("the answer has a length, and nothing where it is empty", async () => {
      const answer = await echo.unary(P, "");
      expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-length"), answer.body.length]).toEqual([200, P, "0", 0]);
      expect((await echo.unary(J, "{}")).body.toString()).toBe("{}");
      expect((await echo.unary(J, "{}")).headers.get("accept-encoding")).toBe("gzip");
    });

    test("P10: an error is JSON, whatever the codec", async () => {
      expect(code(await echo.post("/test.Echo/Fail", P, Buffer.from("0a04676f6e651005", "hex")))).toEqual([404, "not_found"]);
      expect((await echo.post("/test.Echo/Fail", J, "{\"name\":\"gone\",\"count\":5}")).body.toString()).toBe("{\"code\":\"not_found\",\"message\":\"gone\"}");
    });

    test.each([
      [J, ""], [J, "{"], [J, "[]"], [J, "null"], [J, "\"x\""], [J, "{} {}"], [J, "\ufeff{}"], [J, Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
      [P, Uint8Array.of(0x0a, 5, 0x61)], [P, Uint8Array.of(0, 0)], [P, Uint8Array.of(0x0a, 2, 0xff, 0xfe)],
      [J, "[".repeat(100_000)], [P, Uint8Array.from({ length: 100_000 }, (_value, i) => (i % 2 === 0 ? 0x9b : 6))],
    ])("C04, C09 to C17: %s that is malformed", async (type, body) => {
      expect(code(await echo.unary(type, body))).toEqual([400, "invalid_argument"]);
    });

    test("C05: white space around", async () => {
      expect((await echo.unary(J, " \n{} ")).status).toBe(200);
    });

    test("P09: the version of the protocol", async () => {
      expect((await echo.unary(J, "{}", { "Connect-Protocol-Version": "1" })).status).toBe(200);
      expect(code(await echo.unary(J, "{}", { "Connect-Protocol-Version": "2" }))).toEqual([400, "invalid_argument"]);
      expect(endCode(await echo.count(CJ, envelope("{}"), { "Connect-Protocol-Version": "2" }))).toBe("invalid_argument");
    });

    test("P20: a length above the limit is refused at once", async () => {
      const client = await RawClient.open(echo.server.port);
      await client.send(head("POST /test.Echo/Unary", { "Content-Type": P, "Content-Length": `${64 * 1024 * 1024}` }));
      expect(code(await client.answer())).toEqual([429, "resource_exhausted"]);
      client.close();
    });

    test("P26 to P29: compression", async () => {
      const text = JSON.stringify({ name: "x".repeat(100_000) });
      const echoed = await echo.unary(J, gzipSync(text), { "Content-Encoding": "gzip" });
      expect([echoed.status, echoed.body.toString()]).toEqual([200, text]);
      expect((await echo.unary(J, "{}", { "Content-Encoding": "identity" })).status).toBe(200);
      expect((await echo.unary(P, "", { "Content-Encoding": "gzip" })).status).toBe(200);
      const unknown = await echo.unary(J, "{}", { "Content-Encoding": "snappy" });
      expect(code(unknown)).toEqual([501, "unimplemented"]);
      expect(unknown.body.toString()).toContain("gzip");
      for (const body of ["{}", gzipSync(text).subarray(0, -3), Buffer.concat([gzipSync(text), Buffer.from("x")])]) {
        expect(code(await echo.unary(J, body, { "Content-Encoding": "gzip" }))).toEqual([400, "invalid_argument"]);
      }
    });

    test("P29: what becomes too long", async () => {
      const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
      expect(code(await echo.unary(J, bomb, { "Content-Encoding": "gzip" }))).toEqual([429, "resource_exhausted"]);
    });

    test("P31, P32: timeouts", async () => {
      for (const timeout of ["abc", "-5", "12345678901", ""]) {
        expect(code(await echo.unary(J, "{}", { "Connect-Timeout-Ms": timeout }))).toEqual([400, "invalid_argument"]);
        expect(endCode(await echo.count(CJ, envelope("{}"), { "Connect-Timeout-Ms": timeout }))).toBe("invalid_argument");
      }
      expect(code(await echo.unary(J, "{}", { "Connect-Timeout-Ms": "0" }))).toEqual([504, "deadline_exceeded"]);
      expect(endCode(await echo.count(CJ, envelope("{}"), { "Connect-Timeout-Ms": "0" }))).toBe("deadline_exceeded");
      expect(code(await echo.post("/test.Echo/Wait", J, "{}", { "Connect-Timeout-Ms": "100" }))).toEqual([504, "deadline_exceeded"]);
      expect((await echo.unary(J, "{}", { "Connect-Timeout-Ms": "9999999999" })).status).toBe(200);
    });

    test("P36: a hundred calls on one connection, with errors among them", async () => {
      const client = await RawClient.open(echo.server.port);
      for (let i = 0; i < 100; i++) {
        const [path, type, body, status] = [
          ["Unary", J, `{"count":${i}}`, 200], ["Unary", J, "{", 400], ["Fail", J, "{\"count\":5}", 404], ["Nope", J, "{}", 404], ["Unary", "x/y", "{}", 415],
        ][i % 5] as [string, string, string, number];
        await client.send(head(`POST /test.Echo/${path}`, { "Content-Type": type, "Content-Length": `${body.length}` }) + body);
        const answer = await client.answer();
        expect([i, answer.status, answer.headers.get("connection")]).toEqual([i, status, undefined]);
      }
      client.close();
    });

    test("a request comes in pieces of a byte", async () => {
      const client = await RawClient.open(echo.server.port);
      for (const byte of Buffer.from(`${head("POST /test.Echo/Unary", { "Content-Type": J, "Content-Length": "12" })}{"name":"x"}`)) await client.send(Uint8Array.of(byte));
      expect((await client.answer()).body.toString()).toBe("{\"name\":\"x\"}");
      client.close();
    });
  });
});
