// What a forwarded connection carries: data both ways, half-closes, resets, and who waits for whom; lifecycle.md 8.

import { expect, test } from "bun:test";
import { host, scale } from "../host.ts";
import { wakeUps } from "../proc.ts";
import { until } from "../until.ts";
import { block, check, pattern, pour } from "./flow.ts";
import { inOwnNetwork, reach, refused, WAIT_SECONDS, withDaemon } from "./forwarding.ts";
import { guest, unread } from "./network.ts";
import { Server, Stream } from "./stream.ts";

inOwnNetwork();

test("L110: a client that has sent all gets the whole answer, and then the end", () =>
  withDaemon(async () => {
    const answer = Buffer.alloc(3_000_000, "answer ");
    const server = Server.listen("127.0.0.1", 8000, (stream) => {
      void stream.rest().then(async ([request]) => {
        await stream.send(request);
        await stream.send(answer);
        stream.endSending();
      });
    });
    const client = await reach(8000);
    await client.send("request");
    client.endSending();
    const [text, ending] = await client.rest();
    expect(ending).toBe("eof");
    expect(text === `request${answer.toString("latin1")}`).toBe(true);
    server.stop();
  }));

test("L110: and a server that has said all hears the rest of its client", () =>
  withDaemon(async () => {
    const server = Server.listen("127.0.0.1", 8000, (stream) => {
      void stream.send("all").then(() => stream.endSending());
    });
    const client = await reach(8000);
    expect(await client.rest()).toEqual(["all", "eof"]);
    await client.send("the rest");
    client.endSending();
    expect(await (await server.stream(0)).rest()).toEqual(["the rest", "eof"]);
    server.stop();
  }));

test("a client that has ended, and whose last words wait, wakes nobody", () =>
  withDaemon(async (daemon) => {
    const server = Server.listen("127.0.0.1", 8000, (stream) => {
      stream.pause();
      void stream.send("all").then(() => stream.endSending());
    });
    const client = await reach(8000);
    expect(await client.rest()).toEqual(["all", "eof"]);
    let sent = 0;
    // Until some of it stays where the agent could take it, though it has been awake since.
    for (let stays = 0; stays < 3; ) {
      if (stays === 0) {
        await client.send(block);
        sent += block.length;
      }
      const count = wakeUps(daemon.pid);
      await until("the agent was awake", WAIT_SECONDS, () => unread(daemon.pid, `${guest}:8000`) === 0 || wakeUps(daemon.pid) > count);
      stays = unread(daemon.pid, `${guest}:8000`) === 0 ? 0 : stays + 1;
    }
    client.endSending();
    const before = wakeUps(daemon.pid);
    await until("it sleeps, and looks, and sleeps", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 3);
    const inside = await server.stream(0);
    const result = check(inside);
    inside.resume();
    expect((await inside.rest())[1]).toBe("eof");
    expect([inside.received, result.isExact]).toEqual([sent, true]);
    server.stop();
  }));

test("L111: a reset is one on the other side too, whoever it comes from", () =>
  withDaemon(async () => {
    const server = Server.listen("127.0.0.1", 8000);
    const first = await reach(8000);
    await first.send("x");
    const firstInside = await server.stream(0);
    await firstInside.read(1);
    firstInside.abort();
    expect((await first.rest())[1]).toBe("reset");
    const second = await Stream.connect(guest, 8000);
    await second.send("x");
    const secondInside = await server.stream(1);
    await secondInside.read(1);
    second.abort();
    expect((await secondInside.rest())[1]).toBe("reset");
    server.stop();
  }));

test("the end of the agent is a reset, not an end of data", () =>
  withDaemon(async (daemon) => {
    const server = Server.listen("127.0.0.1", 8000);
    const client = await reach(8000);
    await client.send("x");
    const inside = await server.stream(0);
    await inside.read(1);
    daemon.kill("SIGKILL");
    expect((await client.rest())[1]).toBe("reset");
    expect((await inside.rest())[1]).toBe("reset");
    server.stop();
  }));

test("L112: a large transfer both ways, held up by a reader, is exact and costs no memory; others go on meanwhile", () =>
  withDaemon(async (daemon) => {
    const bytes = Math.min(scale.transfer, 1 << 30);
    const server = Server.listen("127.0.0.1", 8000);
    const echo = Server.echo("127.0.0.1", 8001);
    const client = await reach(8000);
    const other = await reach(8001);
    expect(await other.ask("1")).toBe("1");
    const inside = await server.stream(0);
    const idle = daemon.memory().rss;
    client.pause();
    const up = check(inside);
    const down = check(client);
    const pouring = Promise.all([pour(client, bytes), pour(inside, bytes)]);
    const end = Promise.all([client.rest(), inside.rest()]);
    let most = 0;
    let echoes = 0;
    const isGoing = (): boolean => inside.received < bytes || client.received < bytes;
    while (isGoing()) {
      expect(await other.ask("1")).toBe("1");
      most = Math.max(most, daemon.memory().rss);
      if (isGoing()) echoes++;
      // The reader has seen nothing of it until all has come the other way.
      if (inside.received === bytes && echoes > 0) client.resume();
      await Bun.sleep(1);
    }
    await pouring;
    expect((await end).map(([, ending]) => ending)).toEqual(["eof", "eof"]);
    expect([inside.received, client.received]).toEqual([bytes, bytes]);
    expect([up.isExact, down.isExact]).toEqual([true, true]);
    expect(echoes).toBeGreaterThan(1);
    if (host.name === "x86_64") expect(most - idle).toBeLessThan(1 << 20);
    for (const one of [server, echo]) one.stop();
    other.abort();
  }));

/** More than sockets hold of what nobody reads. */
const large = Buffer.concat(Array.from({ length: 4 }, () => pattern));

test("more slow readers than there are pipes keep nobody from being served", () =>
  withDaemon(async () => {
    const server = Server.listen("127.0.0.1", 8000, (stream) => void stream.send(large));
    const echo = Server.echo("127.0.0.1", 8001);
    const slow: Stream[] = [await reach(8000)];
    while (slow.length < 80) slow.push(await Stream.connect(guest, 8000));
    for (const client of slow) client.pause();
    const client = await reach(8001);
    expect(await client.ask("hello")).toBe("hello");
    const checks = slow.map((one) => check(one));
    for (const one of slow) one.resume();
    await until("all have got all", 60, () => slow.every((one) => one.received === large.length));
    expect(checks.every(({ isExact }) => isExact)).toBe(true);
    for (const one of [...slow, client]) one.abort();
    for (const one of [server, echo]) one.stop();
  }));

test("a port whose server takes nothing any more is refused with a reset, and given up", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    (await reach(8000)).abort();
    server.stop(true);
    const client = await Stream.connect(guest, 8000).catch(() => undefined);
    if (client !== undefined) expect((await client.rest())[1]).toBe("reset");
    await refused(daemon, 8000);
  }));
