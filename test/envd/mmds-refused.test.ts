// Answers of the metadata service that are none; lifecycle.md 4.1 and 8.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { asking, flags, ids, known } from "./mmds-asking.ts";
import { answer, MetadataService, type Reply } from "./mmds-service.ts";

setDefaultTimeout(hangLimit);

describe("L159: refused, though it would say who this is", () => {
  const json = JSON.stringify(ids);
  const head = "HTTP/1.1 200 \r\nContent-Type: application/json\r\n";
  const large = JSON.stringify({ ...ids, more: "x".repeat(10_000_000) });
  const cases: [string, Buffer][] = [
    ["10 MB", answer(200, large, "application/json")],
    ["65 KiB", answer(200, JSON.stringify({ ...ids, more: "x".repeat(65_536) }), "application/json")],
    ["a head without end", Buffer.from(`${head}X: ${"x".repeat(1_000_000)}`)],
    ["a redirect", Buffer.from(`HTTP/1.1 307 \r\nLocation: /elsewhere\r\nContent-Length: ${json.length}\r\n\r\n${json}`)],
    ["chunks", Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`)],
    ["no length", Buffer.from(`${head}\r\n${json}`)],
    ["a status without data", answer(404, json)],
    ["HTTP/2", Buffer.from(`HTTP/2.0 200 \r\nContent-Length: ${json.length}\r\n\r\n${json}`)],
    ["no HTTP", Buffer.from(json)],
    ["no JSON", answer(200, `${json}}`, "application/json")],
  ];
  test.each(cases)("%s", (_, bytes) =>
    MetadataService.with(ids, async (service) => {
      service.reply = (request) => (request.startsWith("GET") ? bytes : "usual");
      await asking(service, async (daemon) => {
        await until("it has asked several times", 20, () => service.connections.length > 3);
        expect(await daemon.envs()).toEqual(flags);
        expect(service.requests.some((request) => request.includes("elsewhere"))).toBe(false);
        expect(service.mostOpen).toBeLessThanOrEqual(1);
        service.reply = () => "usual";
        await known(daemon, ids.instanceID);
      });
    }));

  const tokens: [string, Reply][] = [
    ["an empty token", () => answer(200, "")], ["one of two lines", () => answer(200, "a\r\nHost: x")], ["one of 2 kB", () => answer(200, "x".repeat(2048))],
    ["an error", () => answer(500, "x")], ["a redirect", () => answer(302, "x")], ["an early end", () => Buffer.from("HTTP/1.1 2")],
  ];
  test.each(tokens)("for a token: %s", (_, bad) =>
    MetadataService.with(ids, async (service) => {
      service.reply = (request, connection) => (request.startsWith("PUT") ? bad(request, connection) : "usual");
      await asking(service, async (daemon) => {
        await until("it has asked several times", 20, () => service.connections.length > 2);
        expect(service.requests.every((request) => request.startsWith("PUT"))).toBe(true);
        service.reply = () => "usual";
        await known(daemon, ids.instanceID);
      });
    }));
});

/** Bytes with a few of them changed, doubled or cut off; the same for the same seed. */
function mutated(bytes: Buffer, seed: number): Buffer {
  const numbers = noise(32, seed);
  let out = Buffer.from(bytes);
  for (let i = 0; i <= (numbers[0] ?? 0) % 4; i++) {
    const at = (numbers.readUInt16LE(4 + i * 4) % out.length) || 1;
    const value = numbers[6 + i * 4] ?? 0;
    const what = (numbers[7 + i * 4] ?? 0) % 4;
    if (what === 0) out = out.subarray(0, at);
    else if (what === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(at - 1)]);
    else out[at] = what === 2 ? value : "\r\n: 0159"[value % 8]?.charCodeAt(0) ?? 0;
  }
  return out;
}

test("mutated answers harm nobody", () =>
  MetadataService.with(ids, async (service) => {
    let seed = 1;
    service.closes = true;
    service.reply = (request) => (seed++ % 3 === 0 ? "usual" : mutated(service.usual(request), seed));
    await asking(service, async (daemon) => {
      // Each has another token, and so each asks, twice where the first answer is none.
      for (let i = 0; i < 150; i++) expect((await daemon.init({ accessToken: `token-${i}` })).status).toBeWithin(204, 402);
      expect(seed).toBeGreaterThan(150);
      service.reply = () => "usual";
      service.closes = false;
      service.store = { instanceID: "i-9", envID: "t" };
      await until("it asks as ever", 20, async () => {
        await daemon.init({ accessToken: "token-0" });
        return daemon.read("/run/wrenn/.WRENN_SANDBOX_ID").toString() === "i-9";
      });
    });
  }));
