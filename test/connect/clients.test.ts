// The clients of connectrpc.com against the service of echo.ts: Connect and gRPC-Web, both codecs, on both hosts.

import { Code, type Transport } from "@connectrpc/connect";
import { describe, expect, test } from "bun:test";
import { until } from "../until.ts";
import { onEachHost } from "./on-each-host.ts";
import { streamMethod, unaryMethod } from "./schema.ts";
import { failure, protocols } from "./transports.ts";

interface Inner {
  readonly name: string;
  readonly count: number;
  readonly leaf?: { readonly data: Uint8Array; readonly isSet: boolean };
}

interface Options {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

class Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async unary(name: string, input: Partial<Inner>, options: Options = {}): Promise<Inner> {
    const { message } = await this.#transport.unary(unaryMethod(name), options.signal, options.timeout, undefined, { ...input });
    return message as unknown as Inner;
  }

  async *stream(name: string, inputs: Iterable<Partial<Inner>>, options: Options = {}): AsyncGenerator<Inner> {
    async function* all() {
      for (const input of inputs) yield { ...input };
    }
    const response = await this.#transport.stream(streamMethod(name), options.signal, options.timeout, undefined, all());
    for await (const message of response.message) yield message as unknown as Inner;
  }

  async collect(name: string, inputs: Iterable<Partial<Inner>>, options: Options = {}): Promise<Inner[]> {
    const messages: Inner[] = [];
    for await (const message of this.stream(name, inputs, options)) messages.push(message);
    return messages;
  }
}

onEachHost((echo) => {
  describe.each(protocols)("%s", (_name, transport) => {
    const connect = () => new Client(transport(echo.server.url));

    test("a unary call", async () => {
      const client = connect();
      const data = Uint8Array.from({ length: 256 }, (_value, i) => i);
      expect(await client.unary("Unary", { name: "né\0\"", count: 4_294_967_295 })).toMatchObject({ name: "né\0\"", count: 4_294_967_295 });
      expect(await client.unary("Unary", { leaf: { data, isSet: true } })).toMatchObject({ name: "", leaf: { data, isSet: true } });
      expect(await client.unary("Unary", {})).toMatchObject({ name: "", count: 0 });
    });

    test("a unary call of 5 MiB either way", async () => {
      const data = new Uint8Array(5 * 1024 * 1024).map((_value, i) => i * 7);
      const { leaf } = await connect().unary("Unary", { leaf: { data, isSet: false } });
      expect(Buffer.compare(leaf?.data ?? new Uint8Array(0), data)).toBe(0);
    });

    test("errors have their code and their text", async () => {
      const client = connect();
      for (let code = 1; code <= 16; code++) {
        const text = `no ${code}: é % "x"`;
        for (const call of [() => client.unary("Fail", { name: text, count: code }), () => client.collect("FailStream", [{ name: text, count: code }])]) {
          const error = await failure(call());
          expect([error.code, error.rawMessage]).toEqual([code, text]);
        }
      }
    });

    test("a stream of many messages, in order", async () => {
      const messages = await connect().collect("Count", [{ name: "x".repeat(100), count: 5000 }]);
      expect(messages.map(({ count }) => count)).toEqual(Array.from({ length: 5000 }, (_value, i) => i + 1));
      expect(await connect().collect("Count", [{}])).toEqual([]);
    });

    test("messages longer than a buffer", async () => {
      const name = "ä\"".repeat(100_000);
      const messages = await connect().collect("Count", [{ name, count: 20 }]);
      expect(messages.length).toBe(20);
      expect(messages.every((message) => message.name === name)).toBe(true);
    });

    test.each([0, 1, 100, 126, 127, 128, 16_383, 32_768, 65_536, 100_000])("bytes of %d, streamed", async (length) => {
      const data = new Uint8Array(length).map((_value, i) => i * 3);
      const messages = await connect().collect("Flood", [{ leaf: { data, isSet: false }, count: 30 }]);
      expect(messages.length).toBe(30);
      for (const { leaf } of messages) expect(Buffer.compare(leaf?.data ?? new Uint8Array(1), data)).toBe(0);
    });

    test("a stream from the client", async () => {
      const inputs = Array.from({ length: 2000 }, (_value, i) => ({ name: i % 500 === 9 ? "pause" : "a", count: i }));
      const messages = await connect().collect("Sum", inputs);
      expect(messages).toMatchObject([{ count: (1999 * 2000) / 2, name: inputs.map(({ name }) => name.slice(0, 1)).join("") }]);
      expect(await connect().collect("Sum", [])).toMatchObject([{ count: 0 }]);
    });

    test("a stream from the client that fails in the middle", async () => {
      const error = await failure(connect().collect("Sum", [{ count: 1 }, { name: "fail" }, { count: 1 }]));
      expect([error.code, error.rawMessage]).toEqual([Code.FailedPrecondition, "told to fail"]);
    });

    test("the time is up", async () => {
      expect((await failure(connect().unary("Wait", {}, { timeout: 200 }))).code).toBe(Code.DeadlineExceeded);
      expect((await failure(connect().collect("WaitStream", [{}], { timeout: 200 }))).code).toBe(Code.DeadlineExceeded);
      await until("nothing waits", 10, async () => (await connect().unary("State", {})).count === 0);
    });

    test("a client that leaves a stream", async () => {
      const abort = new AbortController();
      const stream = connect().stream("WaitStream", [{}], { signal: abort.signal });
      expect((await stream.next()).value).toMatchObject({ name: "waiting" });
      expect((await connect().unary("State", {})).count).toBe(1);
      abort.abort();
      expect((await failure(stream.next())).code).toBe(Code.Canceled);
      await until("nothing waits", 10, async () => (await connect().unary("State", {})).count === 0);
    });
  });
});
