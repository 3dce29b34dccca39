// What becomes of calls whose clients read late, or leave.

import { describe, expect, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import * as proc from "../proc.ts";
import { until } from "../until.ts";
import { CJ, envelopes, J } from "./answers.ts";
import { envelope } from "./envelope.ts";
import { onEachHost } from "./on-each-host.ts";
import { head, RawClient } from "./raw.ts";

onEachHost((echo) => {
  const state = async () => JSON.parse((await echo.post("/test.Echo/State", J, "{}")).body.toString()) as { name: string; count?: number };

  describe("peers that read later", () => {
    /** A client that has sent a request and reads nothing, when the server has sent it what it can. */
    async function paused(path: string, type: string, body: Buffer, fields: Record<string, string> = {}): Promise<RawClient> {
      const client = await RawClient.open(echo.server.port);
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
      const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(echo.server.port)));
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
      const descriptors = proc.descriptors(echo.server.pid);
      const whole = Buffer.concat([Buffer.from(head("POST /test.Echo/Flood", { "Content-Type": CJ, "Content-Length": "48" })), envelope("{\"count\":4000,\"leaf\":{\"data\":\"AAAAAAAAAAAAAAA\"}}")]);
      for (let cut = 1; cut < whole.length; cut += 9) {
        const client = await RawClient.open(echo.server.port);
        await client.send(whole.subarray(0, cut));
        client.reset();
      }
      for (let i = 0; i < 20; i++) {
        const client = await RawClient.open(echo.server.port);
        const body = envelope(`{"count":100000,"leaf":{"data":"${"A".repeat(20_000)}"}}`);
        await client.send(Buffer.concat([Buffer.from(head("POST /test.Echo/Flood", { "Content-Type": CJ, "Content-Length": `${body.length}` })), body]));
        await client.bytes(1000 * i);
        client.reset();
      }
      // Fewer than before are as good: a connection of an earlier test may have been closing then.
      await until("descriptors are back", 10, () => proc.descriptors(echo.server.pid) <= descriptors);
      expect(echo.server.isAlive).toBe(true);
    });
  });
});
