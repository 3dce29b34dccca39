// Streams of Connect, and gRPC-Web, as bytes on the wire, with what no client of theirs sends; the numbers are cases of
// envd-rpc.md 6.

import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { CJ, CP, endCode, envelopes, W } from "./answers.ts";
import { envelope } from "./envelope.ts";
import { onEachHost } from "./on-each-host.ts";
import { head, RawClient } from "./raw.ts";

onEachHost((echo) => {
  describe("streams", () => {
    test("P13: an answer in chunks, whose last envelope is the end", async () => {
      const answer = await echo.count(CJ, envelope("{\"count\":2,\"name\":\"a\"}"));
      expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-length")]).toEqual([200, CJ, undefined]);
      expect(envelopes(answer.body)).toEqual([[0, "{\"name\":\"a\",\"count\":1}"], [0, "{\"name\":\"a\",\"count\":2}"], [2, "{}"]]);
      const binary = await echo.count(CP, envelope(Uint8Array.of(0x10, 1)));
      expect([binary.headers.get("content-type"), binary.body.toString("hex")]).toEqual([CP, "0000000002100102000000027b7d"]);
    });

    test("P12: an error before the first message", async () => {
      const answer = await echo.post("/test.Echo/FailStream", CP, envelope(Uint8Array.of(0x10, 5)));
      expect([answer.headers.get("content-type"), endCode(answer)]).toEqual([CP, "not_found"]);
    });

    test("P14: byte by byte, over chunks", async () => {
      const client = await RawClient.open(echo.server.port);
      await client.send(head("POST /test.Echo/Count", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      for (const byte of envelope("{\"count\":1}")) await client.send(Buffer.from([0x31, 13, 10, byte, 13, 10]));
      await client.send("0\r\n\r\n");
      expect(envelopes((await client.answer()).body)).toEqual([[0, "{\"count\":1}"], [2, "{}"]]);
      client.close();
    });

    test("P16, P17, P18: none, several, or a part of a message", async () => {
      expect(endCode(await echo.count(CJ, ""))).toBe("unimplemented");
      expect(endCode(await echo.count(CJ, Buffer.concat([envelope("{}"), envelope("{}")])))).toBe("unimplemented");
      expect(endCode(await echo.count(CJ, Uint8Array.of(0, 0, 0)))).toBe("invalid_argument");
      expect(endCode(await echo.count(CJ, Uint8Array.of(0, 0, 0, 0, 9, 0x7b)))).toBe("invalid_argument");
    });

    test("P19: a length of 2^32 - 1", async () => {
      const client = await RawClient.open(echo.server.port);
      await client.send(head("POST /test.Echo/Count", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      await client.send(Buffer.from("5\r\n\0\xff\xff\xff\xff\r\n", "latin1"));
      expect(endCode(await client.answer())).toBe("resource_exhausted");
      await client.closed();
    });

    test("P22, P23: flags", async () => {
      expect(endCode(await echo.count(CJ, envelope("{}", 1)))).toBe("internal");
      expect(endCode(await echo.count(CJ, envelope("{}", 1), { "Connect-Content-Encoding": "identity" }))).toBe("internal");
      expect(endCode(await echo.count(CJ, envelope("{}", 0x40)))).toBe("internal");
    });

    test("P24: an end among the messages", async () => {
      expect(envelopes((await echo.sum(CJ, Buffer.concat([envelope("{\"count\":3}"), envelope("{}", 2), envelope("x")]))).body)).toEqual([[0, "{\"count\":3}"], [2, "{}"]]);
    });

    test("P25: an envelope with nothing in it is a message", async () => {
      expect(envelopes((await echo.count(CJ, envelope(""))).body)).toEqual([[2, "{}"]]);
      expect(envelopes((await echo.sum(CP, envelope(""))).body)).toEqual([[0, ""], [2, "{}"]]);
    });

    test("P26 to P28: compression", async () => {
      const fields = { "Connect-Content-Encoding": "gzip" };
      const answer = await echo.sum(CJ, Buffer.concat([envelope(gzipSync("{\"count\":3}"), 1), envelope("{\"count\":4}")]), fields);
      expect(envelopes(answer.body)).toEqual([[0, "{\"count\":7}"], [2, "{}"]]);
      expect(endCode(await echo.count(CJ, envelope("{}", 1), fields))).toBe("invalid_argument");
      expect(endCode(await echo.count(CJ, envelope("{}"), { "Connect-Content-Encoding": "snappy" }))).toBe("unimplemented");
      expect(envelopes((await echo.count(CJ, envelope("{}"), { "Content-Encoding": "br", "Accept-Encoding": "gzip" })).body)).toEqual([[2, "{}"]]);
    });

    test("P30: nothing is compressed that nobody has asked for", async () => {
      const answer = await echo.count(CJ, envelope("{\"count\":3}"), { "Accept-Encoding": "gzip, deflate" });
      expect([answer.headers.has("content-encoding"), answer.headers.has("connect-content-encoding")]).toEqual([false, false]);
    });

    test("P34, P35: the first message at once, the deadline for the whole stream", async () => {
      const client = await RawClient.open(echo.server.port);
      const body = envelope("{}");
      await client.send(Buffer.concat([Buffer.from(head("POST /test.Echo/WaitStream", { "Content-Type": CJ, "Content-Length": `${body.length}`, "Connect-Timeout-Ms": "300" })), body]));
      const answer = await client.answer();
      expect(envelopes(answer.body)).toEqual([
        [0, "{\"name\":\"waiting\"}"], [2, "{\"error\":{\"code\":\"deadline_exceeded\",\"message\":\"context deadline exceeded\"}}"],
      ]);
      client.close();
    });

    test("a hundred messages in one piece", async () => {
      const body = Buffer.concat(Array.from({ length: 100 }, (_value, i) => envelope(`{"count":${i}}`)));
      expect(envelopes((await echo.sum(CJ, body)).body)[0]).toEqual([0, "{\"count\":4950}"]);
    });

    test("I14: a stream that fails is answered before it ends", async () => {
      const client = await RawClient.open(echo.server.port);
      const message = envelope("{\"name\":\"fail\"}");
      await client.send(head("POST /test.Echo/Sum", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      await client.send(Buffer.concat([Buffer.from(`${message.length.toString(16)}\r\n`), message, Buffer.from("\r\n")]));
      expect(endCode(await client.answer())).toBe("failed_precondition");
      client.close();
    });

    test("an answer in HTTP/1.0 ends with the connection", async () => {
      const client = await RawClient.open(echo.server.port);
      const body = envelope("{\"count\":1}");
      await client.send(Buffer.concat([Buffer.from(`POST /test.Echo/Count HTTP/1.0\r\nContent-Type: ${CJ}\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
      await client.closed();
      const { body: none, headers } = await client.answer();
      expect([none.length, headers.has("transfer-encoding"), headers.get("connection")]).toEqual([0, false, "close"]);
      expect(envelopes(await client.bytes(16 + 7))).toEqual([[0, "{\"count\":1}"], [2, "{}"]]);
    });
  });

  describe("gRPC-Web", () => {
    test("unary calls are in frames, too", async () => {
      const answer = await echo.unary(W, envelope(Uint8Array.of(0x0a, 1, 0x61)));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, W]);
      expect(envelopes(answer.body)).toEqual([[0, "\n\x01a"], [0x80, "grpc-status: 0\r\n"]]);
      expect((await echo.unary("application/grpc-web", envelope(""))).headers.get("content-type")).toBe(W);
      expect((await echo.unary("application/grpc-web+json", envelope("{}"))).headers.get("content-type")).toBe("application/grpc-web+json");
    });

    test("errors are trailers alone", async () => {
      const fail = await echo.post("/test.Echo/Fail", W, envelope(Buffer.from("0a0467c3a9251005", "hex")));
      expect(envelopes(fail.body)).toEqual([[0x80, "grpc-status: 5\r\ngrpc-message: g%C3%A9%25\r\n"]]);
      for (const body of ["", Buffer.concat([envelope(""), envelope("")])]) expect((await echo.unary(W, body)).body.toString()).toContain("grpc-status: 12\r\n");
      expect((await echo.unary(W, envelope("", 2))).body.toString()).toContain("grpc-status: 13\r\n");
    });

    test("G06: timeouts; compression", async () => {
      const waited = await echo.post("/test.Echo/WaitStream", W, envelope(""), { "Grpc-Timeout": "200m" });
      expect(envelopes(waited.body).map(([flags, text]) => [flags, text.slice(0, 14)])).toEqual([[0, "\n\x07waiting"], [0x80, "grpc-status: 4"]]);
      for (const timeout of ["5x", "123456789S"]) expect((await echo.unary(W, envelope(""), { "Grpc-Timeout": timeout })).body.toString()).toContain("grpc-status: 3\r\n");
      const refused = await echo.unary(W, envelope(""), { "Grpc-Encoding": "snappy" });
      expect([refused.headers.get("grpc-accept-encoding"), envelopes(refused.body)[0]?.[1].slice(0, 15)]).toEqual(["gzip", "grpc-status: 12"]);
    });
  });
});
