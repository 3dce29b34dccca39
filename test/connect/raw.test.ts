// Connect and gRPC-Web as bytes on the wire, with what no client of theirs sends; the numbers are cases of envd-rpc.md 6.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { CJ, code, CP, endCode, envelope, envelopes, J, P, W } from "./answers.ts";
import { head, RawClient, request } from "./raw.ts";
import { hosts, Server } from "./server.ts";

describe.each(hosts)("on %s", (_, command) => {
  let server: Server;
  beforeAll(async () => {
    server = await Server.start(command);
  });
  afterAll(() => server.stop());

  const post = (path: string, type: string | undefined, body: Uint8Array | string = "", fields: Record<string, string> = {}) =>
    request(server.port, `POST ${path}`, { ...(type === undefined ? {} : { "Content-Type": type }), ...fields }, body);
  const unary = (type: string, body: Uint8Array | string, fields: Record<string, string> = {}) => post("/test.Echo/Unary", type, body, fields);
  const count = (type: string, body: Uint8Array | string, fields: Record<string, string> = {}) => post("/test.Echo/Count", type, body, fields);
  const sum = (type: string, body: Uint8Array | string, fields: Record<string, string> = {}) => post("/test.Echo/Sum", type, body, fields);

  describe("routes", () => {
    test.each(["/test.Echo/Nope", "/test.echo/unary", "/test.Echo/Unary/", "/api/test.Echo/Unary", "/"])("P01, P03: %s", async (path) => {
      for (const type of [J, P, "text/plain", undefined]) expect(code(await post(path, type, "{}"))).toEqual([404, "unimplemented"]);
      expect((await post(path, J, "{}")).body.toString()).toContain(`method not found: ${path.slice(1)}`);
    });

    test("P02: an unknown method for a stream", async () => {
      const answer = await post("/test.Echo/Nope", CJ, envelope("{}"));
      expect(answer.headers.get("content-type")).toBe(CJ);
      expect(endCode(answer)).toBe("unimplemented");
      expect((await post("/test.Echo/Nope", W, envelope(""))).body.toString()).toContain("grpc-status: 12\r\n");
    });

    test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("P04, P05: %s", async (method) => {
      const client = await RawClient.open(server.port);
      await client.send(head(`${method} /test.Echo/Unary?encoding=json&message=%7B%7D`, {}));
      const text = (await client.bytes(20)).toString();
      expect(text).toStartWith("HTTP/1.1 405 ");
      client.close();
      if (method !== "HEAD") expect((await request(server.port, `${method} /test.Echo/Unary`, {})).headers.get("allow")).toBe("POST");
    });

    test("P06, P07, G07: types that are not taken", async () => {
      for (const type of [undefined, "text/plain", "application/xml", CJ, CP, "application/grpc-web-text", "application/grpc", "application/jsonx"]) {
        const answer = await post("/test.Echo/Unary", type, "{}");
        expect([type, answer.status, answer.headers.get("accept-post"), answer.body.length]).toEqual([
          type, 415, "application/json, application/proto, application/grpc-web+json, application/grpc-web+proto, application/grpc-web", 0,
        ]);
      }
      for (const type of [J, P]) {
        const answer = await count(type, "{}");
        expect([answer.status, answer.headers.get("accept-post")?.startsWith(`${CJ}, ${CP}, `)]).toEqual([415, true]);
      }
    });

    test("P08: types in any case, with parameters", async () => {
      const answer = await unary("Application/JSON; Charset=UTF-8", "{\"name\":\"x\"}");
      expect([answer.status, answer.headers.get("content-type"), answer.body.toString()]).toEqual([200, J, "{\"name\":\"x\"}"]);
    });
  });

  describe("unary", () => {
    test("the answer has a length, and nothing where it is empty", async () => {
      const answer = await unary(P, "");
      expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-length"), answer.body.length]).toEqual([200, P, "0", 0]);
      expect((await unary(J, "{}")).body.toString()).toBe("{}");
      expect((await unary(J, "{}")).headers.get("accept-encoding")).toBe("gzip");
    });

    test("P10: an error is JSON, whatever the codec", async () => {
      expect(code(await post("/test.Echo/Fail", P, Buffer.from("0a04676f6e651005", "hex")))).toEqual([404, "not_found"]);
      expect((await post("/test.Echo/Fail", J, "{\"name\":\"gone\",\"count\":5}")).body.toString()).toBe("{\"code\":\"not_found\",\"message\":\"gone\"}");
    });

    test.each([
      [J, ""], [J, "{"], [J, "[]"], [J, "null"], [J, "\"x\""], [J, "{} {}"], [J, "\ufeff{}"], [J, Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)],
      [P, Uint8Array.of(0x0a, 5, 0x61)], [P, Uint8Array.of(0, 0)], [P, Uint8Array.of(0x0a, 2, 0xff, 0xfe)],
      [J, "[".repeat(100_000)], [P, Uint8Array.from({ length: 100_000 }, (_value, i) => (i % 2 === 0 ? 0x9b : 6))],
    ])("C04, C09 to C17: %s that is malformed", async (type, body) => {
      expect(code(await unary(type, body))).toEqual([400, "invalid_argument"]);
    });

    test("C05: white space around", async () => {
      expect((await unary(J, " \n{} ")).status).toBe(200);
    });

    test("P09: the version of the protocol", async () => {
      expect((await unary(J, "{}", { "Connect-Protocol-Version": "1" })).status).toBe(200);
      expect(code(await unary(J, "{}", { "Connect-Protocol-Version": "2" }))).toEqual([400, "invalid_argument"]);
      expect(endCode(await count(CJ, envelope("{}"), { "Connect-Protocol-Version": "2" }))).toBe("invalid_argument");
    });

    test("P20: a length above the limit is refused at once", async () => {
      const client = await RawClient.open(server.port);
      await client.send(head("POST /test.Echo/Unary", { "Content-Type": P, "Content-Length": `${64 * 1024 * 1024}` }));
      expect(code(await client.answer())).toEqual([429, "resource_exhausted"]);
      client.close();
    });

    test("P26 to P29: compression", async () => {
      const text = JSON.stringify({ name: "x".repeat(100_000) });
      const echoed = await unary(J, gzipSync(text), { "Content-Encoding": "gzip" });
      expect([echoed.status, echoed.body.toString()]).toEqual([200, text]);
      expect((await unary(J, "{}", { "Content-Encoding": "identity" })).status).toBe(200);
      expect((await unary(P, "", { "Content-Encoding": "gzip" })).status).toBe(200);
      const unknown = await unary(J, "{}", { "Content-Encoding": "snappy" });
      expect(code(unknown)).toEqual([501, "unimplemented"]);
      expect(unknown.body.toString()).toContain("gzip");
      for (const body of ["{}", gzipSync(text).subarray(0, -3), Buffer.concat([gzipSync(text), Buffer.from("x")])]) {
        expect(code(await unary(J, body, { "Content-Encoding": "gzip" }))).toEqual([400, "invalid_argument"]);
      }
    });

    test("P29: what becomes too long", async () => {
      const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
      expect(code(await unary(J, bomb, { "Content-Encoding": "gzip" }))).toEqual([429, "resource_exhausted"]);
    });

    test("P31, P32: timeouts", async () => {
      for (const timeout of ["abc", "-5", "12345678901", ""]) {
        expect(code(await unary(J, "{}", { "Connect-Timeout-Ms": timeout }))).toEqual([400, "invalid_argument"]);
        expect(endCode(await count(CJ, envelope("{}"), { "Connect-Timeout-Ms": timeout }))).toBe("invalid_argument");
      }
      expect(code(await unary(J, "{}", { "Connect-Timeout-Ms": "0" }))).toEqual([504, "deadline_exceeded"]);
      expect(endCode(await count(CJ, envelope("{}"), { "Connect-Timeout-Ms": "0" }))).toBe("deadline_exceeded");
      expect(code(await post("/test.Echo/Wait", J, "{}", { "Connect-Timeout-Ms": "100" }))).toEqual([504, "deadline_exceeded"]);
      expect((await unary(J, "{}", { "Connect-Timeout-Ms": "9999999999" })).status).toBe(200);
    });

    test("P36: a hundred calls on one connection, with errors among them", async () => {
      const client = await RawClient.open(server.port);
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
      const client = await RawClient.open(server.port);
      for (const byte of Buffer.from(`${head("POST /test.Echo/Unary", { "Content-Type": J, "Content-Length": "12" })}{"name":"x"}`)) await client.send(Uint8Array.of(byte));
      expect((await client.answer()).body.toString()).toBe("{\"name\":\"x\"}");
      client.close();
    });
  });

  describe("streams", () => {
    test("P13: an answer in chunks, whose last envelope is the end", async () => {
      const answer = await count(CJ, envelope("{\"count\":2,\"name\":\"a\"}"));
      expect([answer.status, answer.headers.get("content-type"), answer.headers.get("content-length")]).toEqual([200, CJ, undefined]);
      expect(envelopes(answer.body)).toEqual([[0, "{\"name\":\"a\",\"count\":1}"], [0, "{\"name\":\"a\",\"count\":2}"], [2, "{}"]]);
      const binary = await count(CP, envelope(Uint8Array.of(0x10, 1)));
      expect([binary.headers.get("content-type"), binary.body.toString("hex")]).toEqual([CP, "0000000002100102000000027b7d"]);
    });

    test("P12: an error before the first message", async () => {
      const answer = await post("/test.Echo/FailStream", CP, envelope(Uint8Array.of(0x10, 5)));
      expect([answer.headers.get("content-type"), endCode(answer)]).toEqual([CP, "not_found"]);
    });

    test("P14: byte by byte, over chunks", async () => {
      const client = await RawClient.open(server.port);
      await client.send(head("POST /test.Echo/Count", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      for (const byte of envelope("{\"count\":1}")) await client.send(Buffer.from([0x31, 13, 10, byte, 13, 10]));
      await client.send("0\r\n\r\n");
      expect(envelopes((await client.answer()).body)).toEqual([[0, "{\"count\":1}"], [2, "{}"]]);
      client.close();
    });

    test("P16, P17, P18: none, several, or a part of a message", async () => {
      expect(endCode(await count(CJ, ""))).toBe("unimplemented");
      expect(endCode(await count(CJ, Buffer.concat([envelope("{}"), envelope("{}")])))).toBe("unimplemented");
      expect(endCode(await count(CJ, Uint8Array.of(0, 0, 0)))).toBe("invalid_argument");
      expect(endCode(await count(CJ, Uint8Array.of(0, 0, 0, 0, 9, 0x7b)))).toBe("invalid_argument");
    });

    test("P19: a length of 2^32 - 1", async () => {
      const client = await RawClient.open(server.port);
      await client.send(head("POST /test.Echo/Count", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      await client.send(Buffer.from("5\r\n\0\xff\xff\xff\xff\r\n", "latin1"));
      expect(endCode(await client.answer())).toBe("resource_exhausted");
      await client.closed();
    });

    test("P22, P23: flags", async () => {
      expect(endCode(await count(CJ, envelope("{}", 1)))).toBe("internal");
      expect(endCode(await count(CJ, envelope("{}", 1), { "Connect-Content-Encoding": "identity" }))).toBe("internal");
      expect(endCode(await count(CJ, envelope("{}", 0x40)))).toBe("internal");
    });

    test("P24: an end among the messages", async () => {
      expect(envelopes((await sum(CJ, Buffer.concat([envelope("{\"count\":3}"), envelope("{}", 2), envelope("x")]))).body)).toEqual([[0, "{\"count\":3}"], [2, "{}"]]);
    });

    test("P25: an envelope with nothing in it is a message", async () => {
      expect(envelopes((await count(CJ, envelope(""))).body)).toEqual([[2, "{}"]]);
      expect(envelopes((await sum(CP, envelope(""))).body)).toEqual([[0, ""], [2, "{}"]]);
    });

    test("P26 to P28: compression", async () => {
      const fields = { "Connect-Content-Encoding": "gzip" };
      const answer = await sum(CJ, Buffer.concat([envelope(gzipSync("{\"count\":3}"), 1), envelope("{\"count\":4}")]), fields);
      expect(envelopes(answer.body)).toEqual([[0, "{\"count\":7}"], [2, "{}"]]);
      expect(endCode(await count(CJ, envelope("{}", 1), fields))).toBe("invalid_argument");
      expect(endCode(await count(CJ, envelope("{}"), { "Connect-Content-Encoding": "snappy" }))).toBe("unimplemented");
      expect(envelopes((await count(CJ, envelope("{}"), { "Content-Encoding": "br", "Accept-Encoding": "gzip" })).body)).toEqual([[2, "{}"]]);
    });

    test("P30: nothing is compressed that nobody has asked for", async () => {
      const answer = await count(CJ, envelope("{\"count\":3}"), { "Accept-Encoding": "gzip, deflate" });
      expect([answer.headers.has("content-encoding"), answer.headers.has("connect-content-encoding")]).toEqual([false, false]);
    });

    test("P34, P35: the first message at once, the deadline for the whole stream", async () => {
      const client = await RawClient.open(server.port);
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
      expect(envelopes((await sum(CJ, body)).body)[0]).toEqual([0, "{\"count\":4950}"]);
    });

    test("I14: a stream that fails is answered before it ends", async () => {
      const client = await RawClient.open(server.port);
      const message = envelope("{\"name\":\"fail\"}");
      await client.send(head("POST /test.Echo/Sum", { "Content-Type": CJ, "Transfer-Encoding": "chunked" }));
      await client.send(Buffer.concat([Buffer.from(`${message.length.toString(16)}\r\n`), message, Buffer.from("\r\n")]));
      expect(endCode(await client.answer())).toBe("failed_precondition");
      client.close();
    });

    test("an answer in HTTP/1.0 ends with the connection", async () => {
      const client = await RawClient.open(server.port);
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
      const answer = await unary(W, envelope(Uint8Array.of(0x0a, 1, 0x61)));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, W]);
      expect(envelopes(answer.body)).toEqual([[0, "\n\x01a"], [0x80, "grpc-status: 0\r\n"]]);
      expect((await unary("application/grpc-web", envelope(""))).headers.get("content-type")).toBe(W);
      expect((await unary("application/grpc-web+json", envelope("{}"))).headers.get("content-type")).toBe("application/grpc-web+json");
    });

    test("errors are trailers alone", async () => {
      const fail = await post("/test.Echo/Fail", W, envelope(Buffer.from("0a0467c3a9251005", "hex")));
      expect(envelopes(fail.body)).toEqual([[0x80, "grpc-status: 5\r\ngrpc-message: g%C3%A9%25\r\n"]]);
      for (const body of ["", Buffer.concat([envelope(""), envelope("")])]) expect((await unary(W, body)).body.toString()).toContain("grpc-status: 12\r\n");
      expect((await unary(W, envelope("", 2))).body.toString()).toContain("grpc-status: 13\r\n");
    });

    test("G06: timeouts; compression", async () => {
      const waited = await post("/test.Echo/WaitStream", W, envelope(""), { "Grpc-Timeout": "200m" });
      expect(envelopes(waited.body).map(([flags, text]) => [flags, text.slice(0, 14)])).toEqual([[0, "\n\x07waiting"], [0x80, "grpc-status: 4"]]);
      for (const timeout of ["5x", "123456789S"]) expect((await unary(W, envelope(""), { "Grpc-Timeout": timeout })).body.toString()).toContain("grpc-status: 3\r\n");
      const refused = await unary(W, envelope(""), { "Grpc-Encoding": "snappy" });
      expect([refused.headers.get("grpc-accept-encoding"), envelopes(refused.body)[0]?.[1].slice(0, 15)]).toEqual(["gzip", "grpc-status: 12"]);
    });
  });

  const state = async () => JSON.parse((await post("/test.Echo/State", J, "{}")).body.toString()) as { name: string; count?: number };

  describe("peers that read later", () => {
    /** A client that has sent a request and reads nothing, when the server has sent it what it can. */
    async function paused(path: string, type: string, body: Buffer, fields: Record<string, string> = {}): Promise<RawClient> {
      const client = await RawClient.open(server.port);
      client.pause();
      await client.send(Buffer.concat([Buffer.from(head(`POST ${path}`, { "Content-Type": type, "Content-Length": `${body.length}`, ...fields })), body]));
      await state();
      return client;
    }

    test.each([[30_000, 1000], [300_000, 100]])("messages of %d bytes", async (size, total) => {
      const client = await paused("/test.Echo/Flood", CJ, envelope(`{"count":${total},"leaf":{"data":"${"A".repeat(size)}"}}`));
      client.resume();
      const found = envelopes((await client.answer()).body);
      expect(found.slice(0, -1).every(([flags, text]) => flags === 0 && text.length === size + "{'leaf':{'data':''}}".length)).toBe(true);
      expect([found.length, found.at(-1)]).toEqual([total + 1, [2, "{}"]]);
      client.close();
    }, hangLimit);

    test("one answer of 16 MB, whose end follows it", async () => {
      const message = `{"name":"${"x".repeat(16_000_000)}"}`;
      for (const [type, body] of [["application/grpc-web+json", envelope(message)], [J, Buffer.from(message)]] as const) {
        const client = await paused("/test.Echo/Unary", type, body);
        client.resume();
        const answer = await client.answer();
        if (type === J) expect(Buffer.compare(answer.body, body)).toBe(0);
        else expect(envelopes(answer.body).map(([flags, text]) => [flags, text.length])).toEqual([[0, message.length], [0x80, 16]]);
        client.close();
      }
    }, hangLimit);

    test("a deadline that passes meanwhile", async () => {
      const ended = Number((await state()).name.split(" ")[0]);
      const client = await paused("/test.Echo/Flood", CJ, envelope(`{"count":1000000,"leaf":{"data":"${"A".repeat(300_000)}"}}`), { "Connect-Timeout-Ms": "200" });
      await until("the call is over", 10, async () => Number((await state()).name.split(" ")[0]) > ended);
      client.resume();
      const last = envelopes((await client.answer()).body).at(-1);
      expect([last?.[0], last?.[1].includes("deadline_exceeded")]).toEqual([2, true]);
      client.close();
    }, hangLimit);
  });

  describe("peers that leave", () => {
    const idle = async () => (await state()).count === undefined;

    test.each(["end", "reset", "close"] as const)("a stream whose client leaves by %s ends", async (how) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(server.port)));
      const body = envelope("{}");
      for (const client of clients) {
        await client.send(Buffer.concat([Buffer.from(head("POST /test.Echo/WaitStream", { "Content-Type": CJ, "Content-Length": `${body.length}` })), body]));
        await client.bytes(100);
      }
      expect(await idle()).toBe(false);
      for (const client of clients) client[how]();
      await until("nothing waits", 10, idle);
    });

    test("clients that stop in the middle of everything leave nothing behind", async () => {
      const descriptors = proc.descriptors(server.pid);
      const whole = Buffer.concat([Buffer.from(head("POST /test.Echo/Flood", { "Content-Type": CJ, "Content-Length": "48" })), envelope("{\"count\":4000,\"leaf\":{\"data\":\"AAAAAAAAAAAAAAA\"}}")]);
      for (let cut = 1; cut < whole.length; cut += 9) {
        const client = await RawClient.open(server.port);
        await client.send(whole.subarray(0, cut));
        client.reset();
      }
      for (let i = 0; i < 20; i++) {
        const client = await RawClient.open(server.port);
        const body = envelope(`{"count":100000,"leaf":{"data":"${"A".repeat(20_000)}"}}`);
        await client.send(Buffer.concat([Buffer.from(head("POST /test.Echo/Flood", { "Content-Type": CJ, "Content-Length": `${body.length}` })), body]));
        await client.bytes(1000 * i);
        client.reset();
      }
      // Fewer than before are as good: a connection of an earlier test may have been closing then.
      await until("descriptors are back", 10, () => proc.descriptors(server.pid) <= descriptors);
      expect(server.isAlive).toBe(true);
    });
  });
});
