// Ports that are forwarded; lifecycle.md 2 and 8. Test and agent are in a network namespace of the test's own.

import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { host, scale } from "../host.ts";
import { RawClient } from "../http/raw.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions, freePort } from "./daemon.ts";
import { addAddress, bytesRead, enter, guest, leave, listening, shell, unread, wakeUps } from "./network.ts";
import { Server, Stream } from "./stream.ts";

setDefaultTimeout(hangLimit);

const WAIT_SECONDS = 20;
const forwarding = ["--isnotfc", "--forward=on"];

beforeEach(() => enter());
afterEach(() => leave());

function withDaemon(body: (daemon: Daemon) => Promise<void>, options: DaemonOptions = {}): Promise<void> {
  return Daemon.with({ args: forwarding, ...options }, body);
}

/** Executes a command that gets no netlink socket, as in a kernel that has none: seccomp(2) refuses it. */
const withoutNetlink = ["python3", "-c", `
import ctypes, os, platform, struct, sys
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
program = [(0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, 16), (6, 0, 0, 0x50000 | 93), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
if ctypes.CDLL(None, use_errno=True).prctl(22, 2, head) != 0: sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])`];

/** A connection to a port at the guest's address, once it can be had. */
async function reach(port: number): Promise<Stream> {
  let stream: Stream | undefined;
  await until(`${guest}:${port} takes connections`, WAIT_SECONDS, async () => {
    stream = await Stream.connect(guest, port).catch(() => undefined);
    return stream !== undefined;
  });
  if (stream === undefined) throw new Error("unreachable");
  return stream;
}

const isForwarded = (daemon: Daemon, port: number): boolean => listening(daemon.pid).includes(`${guest}:${port}`);

function refused(daemon: Daemon, port: number): Promise<void> {
  return until(`${guest}:${port} is given up`, WAIT_SECONDS, () => !isForwarded(daemon, port));
}

/** Awaits that the agent has looked, from now on, at what listens: it has found another server. */
async function looked(daemon: Daemon): Promise<void> {
  const server = Server.echo("127.0.0.1", 0);
  await until("the agent looks at what listens", WAIT_SECONDS, () => isForwarded(daemon, server.port));
  server.stop();
  await refused(daemon, server.port);
}

async function post(daemon: Daemon, path: string, body = ""): Promise<number> {
  return RawClient.with(daemon.port, async (client) => {
    await client.send(`POST ${path} HTTP/1.1\r\nHost: mote\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return (await client.response("POST")).status;
  });
}

async function health(daemon: Daemon): Promise<number> {
  return RawClient.with(daemon.port, async (client) => {
    await client.get("/health");
    return (await client.response()).status;
  });
}

const block = Buffer.from(crypto.getRandomValues(new Uint8Array(65536)));
const pattern = Buffer.concat(Array.from({ length: 32 }, () => block));

test("L100, L119: a server on 127.0.0.1 is reached at the guest's address, with an empty /etc/hosts, and sees 127.0.0.1", () =>
  withDaemon(async () => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect((await server.stream(0)).socket?.remoteAddress).toBe("127.0.0.1");
    client.abort();
    server.stop();
  }, { setup: ": >$DIR/hosts" }));

test("L101: a server on ::1 alone is reached by IPv4", () =>
  withDaemon(async () => {
    const server = Server.echo("::1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect((await server.stream(0)).socket?.remoteAddress).toBe("::1");
    client.abort();
    server.stop();
  }));

test.each([["sock_diag", {}], ["/proc", { launcher: withoutNetlink }]] as const)("L102: a server on ::ffff:127.0.0.1 is reached, told of by %s", (_, options) =>
  withDaemon(async (daemon) => {
    const python = Bun.spawn(
      ["python3", "-c", `
import socket
s = socket.socket(socket.AF_INET6); s.bind(("::ffff:127.0.0.1", 8000)); s.listen()
while True: c, _ = s.accept(); c.sendall(c.recv(100)); c.close()`],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    try {
      const client = await reach(8000);
      expect(await client.ask("hello")).toBe("hello");
      expect(isForwarded(daemon, 8000)).toBe(true);
    } finally {
      python.kill("SIGKILL");
      await python.exited;
    }
  }, options));

test("L103: servers on other addresses of loopback, or on a real one, are not forwarded", () =>
  withDaemon(async (daemon) => {
    shell("ip addr add 10.1.2.3/24 dev guest0");
    const servers = [Server.echo("127.0.0.53", 8000), Server.echo("10.1.2.3", 8001)];
    await looked(daemon);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect(isForwarded(daemon, 8001)).toBe(false);
    for (const server of servers) server.stop();
  }));

test("L104: servers on all addresses are reached without the agent", () =>
  withDaemon(async (daemon) => {
    const servers = [Server.echo("0.0.0.0", 8000), Server.echo("::", 8001)];
    await looked(daemon);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect(isForwarded(daemon, 8001)).toBe(false);
    for (const server of servers) {
      const client = await reach(server.port);
      expect(await client.ask("hello")).toBe("hello");
      expect((await server.stream(0)).socket?.remoteAddress).toContain(guest);
      client.abort();
      server.stop();
    }
  }));

test("L105: of two servers on one port that on 127.0.0.1 comes first, and the other one after its end", () =>
  withDaemon(async (daemon) => {
    const first = Server.echo("127.0.0.1", 8000, "four");
    const second = Server.echo("::1", 8000, "six!");
    await looked(daemon);
    expect(listening(daemon.pid).filter((address) => address === `${guest}:8000`)).toHaveLength(1);
    const before = await reach(8000);
    expect(await before.read(4)).toBe("four");
    first.stop();
    // At once: nobody needs to have noticed.
    const at = await Stream.connect(guest, 8000);
    expect(await at.read(4)).toBe("six!");
    await looked(daemon);
    const after = await Stream.connect(guest, 8000);
    expect(await after.read(4)).toBe("six!");
    expect(await before.ask("still there")).toBe("still there");
    for (const client of [before, at, after]) client.abort();
    second.stop();
  }));

test("L106: a server that is started anew between two looks is reached, and what was open to the old one ends", () =>
  withDaemon(async () => {
    Server.echo("127.0.0.1", 8000, "old").stop(true);
    const old = Server.echo("127.0.0.1", 8000, "old");
    const before = await reach(8000);
    expect(await before.read(3)).toBe("old");
    old.stop(true);
    const fresh = Server.echo("127.0.0.1", 8000, "new");
    await before.rest();
    const after = await reach(8000);
    expect(await after.read(3)).toBe("new");
    after.abort();
    fresh.stop();
  }));

test("L107: when a server no longer listens its port is refused, and what is open goes on", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("one")).toBe("one");
    server.stop();
    await refused(daemon, 8000);
    await expect(Stream.connect(guest, 8000)).rejects.toThrow();
    expect(await client.ask("two")).toBe("two");
    // It listens again while that is still open.
    const again = Server.echo("127.0.0.1", 8000);
    const other = await reach(8000);
    expect(await other.ask("three")).toBe("three");
    expect(await client.ask("four")).toBe("four");
    client.abort();
    other.abort();
    again.stop();
    await refused(daemon, 8000);
  }));

test("L108: the guest's address may come later", async () => {
  leave();
  enter(false);
  await withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const before = wakeUps(daemon.pid);
    await until("the agent has looked, and looked again", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 3);
    addAddress();
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
  });
});

test("L109: a port that another process holds is taken over when that one leaves it, and no other port is ever opened", () =>
  withDaemon(async (daemon) => {
    const holder = Server.echo(guest, 8000, "held");
    const server = Server.echo("127.0.0.1", 8000, "own!");
    await looked(daemon);
    const before = await reach(8000);
    expect(await before.read(4)).toBe("held");
    const known = [`127.0.0.1:${daemon.port}`, "127.0.0.1:8000", `${guest}:8000`].sort();
    expect(listening(daemon.pid).sort()).toEqual(known);
    holder.stop(true);
    await until("the agent listens there", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    const after = await reach(8000);
    expect(await after.read(4)).toBe("own!");
    expect(listening(daemon.pid).sort()).toEqual(known);
    after.abort();
    server.stop();
  }));

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

/** Has a stream take the rest of what `pour` sends. */
function check(stream: Stream): { isExact: boolean } {
  const result = { isExact: true };
  let at = stream.received % block.length;
  stream.onChunk = (chunk) => {
    if (!chunk.equals(pattern.subarray(at, at + chunk.length))) result.isExact = false;
    at = (at + chunk.length) % block.length;
  };
  return result;
}

async function pour(stream: Stream, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const size = Math.min(left, 1 << 20);
    await stream.send(pattern.subarray(0, size));
    left -= size;
  }
  stream.endSending();
}

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

test("L113: of 300 connections to a port 256 are served at once, the others later, and none is refused", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const clients = [await reach(8000)];
    while (clients.length < 300) clients.push(await Stream.connect(guest, 8000));
    let served = 0;
    const answers = clients.map(async (client) => {
      expect(await client.ask("x")).toBe("x");
      served++;
    });
    await until("256 are served", WAIT_SECONDS, () => served === 256);
    await looked(daemon);
    expect(served).toBe(256);
    expect(server.streams).toHaveLength(256);
    for (const client of clients) if (client.received > 0) client.abort();
    await Promise.all(answers);
    expect(served).toBe(300);
    for (const client of clients) client.abort();
    server.stop();
  }));

test("1,024 connections are served at once in all, the others later", () =>
  withDaemon(async (daemon) => {
    const servers = Array.from({ length: 5 }, (_, index) => Server.echo("127.0.0.1", 8000 + index));
    const clients: Stream[] = [];
    for (const server of servers) {
      clients.push(await reach(server.port));
      while (clients.length % 225 !== 0) clients.push(await Stream.connect(guest, server.port));
    }
    let served = 0;
    const answers = clients.map(async (client) => {
      expect(await client.ask("x")).toBe("x");
      served++;
    });
    await until("1,024 are served", WAIT_SECONDS, () => served === 1024);
    const before = wakeUps(daemon.pid);
    await until("it has gone on meanwhile", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 2);
    expect(servers.reduce((sum, server) => sum + server.streams.length, 0)).toBe(1024);
    for (const client of clients) if (client.received > 0) client.abort();
    await Promise.all(answers);
    expect(served).toBe(1125);
    for (const client of clients) client.abort();
    for (const server of servers) server.stop();
  }));

test("1,024 ports are forwarded at most, the lowest, and a line says so", () =>
  withDaemon(async (daemon) => {
    const first = 2000;
    const servers = Array.from({ length: 1030 }, (_, index) => first + index).reverse().map((port) => Server.echo("127.0.0.1", port));
    const ours = (): number[] =>
      listening(daemon.pid).filter((at) => at.startsWith(guest)).map((at) => Number(at.split(":")[1])).sort((a, b) => a - b);
    const range = (from: number): number[] => Array.from({ length: 1024 }, (_, index) => from + index);
    await until("1,024 are forwarded", WAIT_SECONDS, () => ours().length === 1024);
    expect(ours()).toEqual(range(first));
    const client = await reach(first + 1023);
    expect(await client.ask("hello")).toBe("hello");
    // The lowest ones end, and others take their place.
    for (const server of servers.slice(-6)) server.stop();
    await until("the next are forwarded", WAIT_SECONDS, () => ours().join() === range(first + 6).join());
    expect(await client.ask("still there")).toBe("still there");
    expect(daemon.stderr.split("only 1024 ports").length - 1).toBe(1);
    client.abort();
    for (const server of servers) server.stop(true);
  }));

test.each([false, true])("L114: what the agent listens on itself is not forwarded (supervised: %p)", (isSupervised) => {
  const port = freePort();
  return withDaemon(async (daemon) => {
    await looked(daemon);
    const known = [`127.0.0.1:${daemon.port}`, `127.0.0.1:${port}`].sort();
    expect(listening(daemon.pid).sort()).toEqual(known);
  }, { args: [...forwarding, "--listen", `tcp:127.0.0.1:${port}`], isSupervised });
});

// /proc/net/tcp6 is not there for the agent, whose pid this shell has.
const withoutV6 = "mkdir $DIR/net; touch $DIR/net/tcp; mount --bind /proc/$$/net/tcp $DIR/net/tcp; mount --rbind $DIR/net /proc/$$/net";

test("L115: without IPv6 servers on 127.0.0.1 are reached", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
    await refused(daemon, 8000);
  }, { setup: withoutV6, launcher: withoutNetlink }));

test("what cannot be looked at stays as it was", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    // Without a connection, whose descriptors would be free again a moment later.
    await until("it is forwarded", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    // Whether there is IPv6 by now cannot be asked without a descriptor.
    const open = readdirSync(`/proc/${daemon.pid}/fd`).map(Number);
    const free = Array.from({ length: open.length + 1 }, (_, fd) => fd).find((fd) => !open.includes(fd));
    shell(`prlimit --pid ${daemon.pid} --nofile=${free}:`);
    server.stop();
    const before = wakeUps(daemon.pid);
    await until("the agent has tried to look, and tried again", WAIT_SECONDS, () => wakeUps(daemon.pid) > before + 3);
    expect(isForwarded(daemon, 8000)).toBe(true);
    shell(`prlimit --pid ${daemon.pid} --nofile=1000:`);
    await refused(daemon, 8000);
  }, { setup: withoutV6, launcher: withoutNetlink }));

test("L116: established connections are not read through", () =>
  withDaemon(async (daemon) => {
    const server = Server.listen("127.0.0.2", 0);
    const clients: Stream[] = [];
    while (clients.length < 1000) clients.push(await Stream.connect("127.0.0.2", server.port));
    await looked(daemon);
    const before = bytesRead(daemon.pid);
    await looked(daemon);
    // 2,000 lines of 150 bytes would be read each time.
    expect(bytesRead(daemon.pid) - before).toBeLessThan(150_000);
    for (const client of clients) client.abort();
    server.stop(true);
  }, { launcher: withoutNetlink }));

test("L100 to L103, where the kernel tells of sockets in /proc alone", () =>
  withDaemon(async (daemon) => {
    const servers = [Server.echo("127.0.0.1", 8000, "four"), Server.echo("::1", 8001, "six!"), Server.echo("127.0.0.53", 8002)];
    for (const server of servers.slice(0, 2)) {
      const client = await reach(server.port);
      expect(await client.read(4)).toBe(server.port === 8000 ? "four" : "six!");
      client.abort();
    }
    await looked(daemon);
    const ours = listening(daemon.pid).filter((address) => address.startsWith(guest)).sort();
    expect(ours).toEqual([`${guest}:8000`, `${guest}:8001`]);
    for (const server of servers) server.stop();
    for (const server of servers) await refused(daemon, server.port);
  }, { launcher: withoutNetlink }));

test("L120: an /init looks at once, and interrupts nothing", () =>
  withDaemon(async (daemon) => {
    const bytes = 20_000_000;
    const server = Server.listen("127.0.0.1", 8000);
    const client = await reach(8000);
    const inside = await server.stream(0);
    const result = check(inside);
    const pouring = pour(client, bytes);
    while (inside.received < bytes) {
      expect(await post(daemon, "/init")).toBe(204);
      expect(isForwarded(daemon, 8000)).toBe(true);
    }
    await pouring;
    expect((await inside.rest())[1]).toBe("eof");
    expect(result.isExact).toBe(true);
    client.abort();
    server.stop();
  }));

test("SNP-09: /init with no restore pending leaves a connection as it is", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("one")).toBe("one");
    expect(await post(daemon, "/init")).toBe(204);
    expect(await client.ask("two")).toBe("two");
    client.abort();
    server.stop();
  }));

const fakeDrop = "echo 0 >$DIR/drop; mount --bind $DIR/drop /proc/sys/vm/drop_caches";

test("L170, L172, SNP-04: before a snapshot nothing is forwarded and relays are reset; afterwards they are back", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    expect(await post(daemon, "/snapshot/prepare")).toBe(204);
    expect(isForwarded(daemon, 8000)).toBe(false);
    expect((await client.rest())[1]).toBe("reset");
    expect((await (await server.stream(0)).rest())[1]).toBe("reset");
    await expect(Stream.connect(guest, 8000)).rejects.toThrow();
    expect(await health(daemon)).toBe(200);
    const again = await reach(8000);
    expect(await again.ask("hello")).toBe("hello");
    again.abort();
    server.stop();
  }, { setup: fakeDrop }));

test("L121: out of descriptors, it leaves clients in the backlog without spinning, and goes on when there are some again", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    const clients = [await reach(8000)];
    const complaints = (): number => daemon.stderr.split("cannot accept").length - 1;
    let served = 0;
    const ask = (client: Stream): void => {
      void client.ask("x").then(() => served++, () => {});
    };
    for (const client of clients) ask(client);
    while (clients.length < 100) {
      const client = await Stream.connect(guest, 8000);
      clients.push(client);
      ask(client);
    }
    await until("it cannot accept", WAIT_SECONDS, () => complaints() > 0);
    const start = performance.now();
    const first = complaints();
    await until("it has tried again five times", WAIT_SECONDS, () => complaints() >= first + 5);
    expect(performance.now() - start).toBeGreaterThan(400);
    expect(served).toBeLessThan(100);
    // Who has been served makes room.
    const done = new Set<Stream>();
    await until("all have been served, or were taken when nothing was left", 60, () => {
      for (const client of clients) {
        if (client.received === 0 || done.has(client)) continue;
        done.add(client);
        client.abort();
      }
      return served >= 99;
    });
    const client = await reach(8000);
    expect(await client.ask("hello")).toBe("hello");
    client.abort();
    server.stop();
  }, { launcher: ["prlimit", "--nofile=100:100"] }));

test("a port whose server takes nothing any more is refused with a reset, and given up", () =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    (await reach(8000)).abort();
    server.stop(true);
    const client = await Stream.connect(guest, 8000).catch(() => undefined);
    if (client !== undefined) expect((await client.rest())[1]).toBe("reset");
    await refused(daemon, 8000);
  }));

test("--forward-address is where ports are forwarded to", () => {
  shell("ip addr add 10.1.2.3/24 dev guest0");
  return withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    await until("it listens there", WAIT_SECONDS, () => listening(daemon.pid).includes("10.1.2.3:8000"));
    expect(isForwarded(daemon, 8000)).toBe(false);
    server.stop();
  }, { args: [...forwarding, "--forward-address=10.1.2.3"] });
});

test("without the usual address it is eth0's", async () => {
  leave();
  enter(false);
  shell("ip addr add 10.1.2.3/24 dev guest0; ip link add eth0 type veth peer name peer1; ip addr add 10.2.0.2/24 dev eth0; ip link set eth0 up");
  await withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    await until("it listens there", WAIT_SECONDS, () => listening(daemon.pid).includes("10.2.0.2:8000"));
    server.stop();
  });
});

const choices: [string, string[], boolean][] = [
  ["envd", ["--profile", "e2b", "--no-cgroups"], true],
  ["envd outside a microVM", ["--profile", "e2b", "--isnotfc"], false],
  ["envd that is told not to", ["--profile", "e2b", "--no-cgroups", "--forward=off"], false],
  ["an agent that serves envd's protocol beside another", ["--no-cgroups"], false],
];
test.each(choices)("L118: %s, %j: forwards %p", (_, args, isOn) =>
  withDaemon(async (daemon) => {
    const server = Server.echo("127.0.0.1", 8000);
    if (isOn) {
      await until("it forwards", WAIT_SECONDS, () => isForwarded(daemon, 8000));
    } else {
      // Twice the time after which it would have.
      await Bun.sleep(2500);
      expect(isForwarded(daemon, 8000)).toBe(false);
    }
    server.stop();
  }, { args: [...args] }));
