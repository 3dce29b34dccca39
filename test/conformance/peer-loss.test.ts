// A host that goes away: its command's whole group is dead within a second, its upload leaves no
// trace, its descriptors are closed, and nobody hears of it.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { Agent, hangLimit } from "../agent.ts";
import { Client, putRequest } from "../client.ts";
import type { Peer } from "../peer.ts";
import { freePort } from "../port.ts";
import { isAlive } from "../proc.ts";
import { makeFifo, temporaries, writeFifo } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameType, header } from "../wire.ts";

const tcpPort = freePort();

setDefaultTimeout(hangLimit);

let agent: Agent;
let tcp: Client;
beforeAll(async () => {
  agent = await Agent.start({ args: ["--listen", "unix:agent.sock", "--listen", `tcp:127.0.0.1:${tcpPort}`], listeners: 2 });
  tcp = new Client({ hostname: "127.0.0.1", port: tcpPort });
});
afterAll(() => agent.stop());

interface Running {
  readonly peer: Peer;
  readonly pids: number[];
}

/** Starts a command whose first line of standard output is its process ids; standard error may come before it. */
async function start(client: Client, cmd: string): Promise<Running> {
  const peer = await client.open({ op: "run", shell: "raw", cmd });
  let first = await peer.frame();
  while (first?.type === frameType.stderr) first = await peer.frame();
  const line = first?.payload.toString("latin1").split("\n")[0] ?? "";
  const pids = line.trim().split(" ").map(Number);
  for (const pid of pids) expect(isAlive(pid)).toBe(true);
  return { peer, pids };
}

async function expectGone({ pids }: Running): Promise<void> {
  await until(`processes ${pids} are dead`, 1, () => pids.every((pid) => !isAlive(pid)));
  await until("they are reaped", 1, () => agent.children().length === 0);
}

const commands: [string, string][] = [
  ["sleep 60", "echo $$; exec sleep 60"],
  ["a shell that waits for sleep 60", "sleep 60 & echo $$ $!; wait"],
  ["a grandchild whose parent has exited", "sleep 60 & echo $!"],
  ["a grandchild two levels down", "sh -c 'sleep 60 & echo $$ $!; wait' & wait"],
  ["a command that ignores SIGTERM and SIGHUP", "trap '' TERM HUP; echo $$; while :; do sleep 1; done"],
  ["a command that has closed its pipes", "echo $$; exec >&- 2>&-; exec sleep 60"],
  ["a stopped command", "echo $$; kill -STOP $$"],
  ["a command that spins", "echo $$; while :; do :; done"],
  ["1 GB being written", "echo $$; exec head -c 1000000000 /dev/zero"],
  ["an endless yes on both streams", "yes >&2 & echo $$ $!; exec yes"],
  ["an endless yes on both streams, standard error first", "yes >&2 & sleep 0.05; echo $$ $!; exec yes"],
];

describe("run: a host that closes a Unix socket during", () => {
  test.each(commands)("%s", async (_, cmd) => {
    const running = await start(agent.client, cmd);
    running.peer.close();
    await expectGone(running);
  });
});

describe("run: a host that resets a TCP connection during", () => {
  test.each(commands)("%s", async (_, cmd) => {
    const running = await start(tcp, cmd);
    running.peer.abort();
    await expectGone(running);
  });
});

describe("run: a host that closes", () => {
  test("a TCP connection is noticed at the next output", async () => {
    const running = await start(tcp, "echo $$; while sleep 0.05; do echo tick; done");
    running.peer.close();
    await expectGone(running);
  });

  test("a TCP connection of a command that says nothing is noticed all the same", async () => {
    const running = await start(tcp, "echo $$; exec sleep 60");
    running.peer.close();
    await expectGone(running);
  });

  test("after half-closing first is noticed all the same", async () => {
    const running = await start(agent.client, "echo $$; exec sleep 60");
    running.peer.endSending();
    await agent.client.ping();
    expect(running.pids.every(isAlive)).toBe(true);
    running.peer.close();
    await expectGone(running);
  });

  test("with a deadline still to come is noticed at once", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", timeout: 30, cmd: "echo $$; exec sleep 60" });
    const pid = Number((await peer.frame())?.payload.toString());
    peer.close();
    await expectGone({ peer, pids: [pid] });
  });

  test("without having read anything is noticed", async () => {
    const peer = await agent.client.open({ op: "run", shell: "raw", cmd: "echo $$ >mine; exec yes" });
    await until("the command is at work", 5, () => agent.leftovers().length > 0);
    peer.close();
    await until("nothing is left of it", 1, () => agent.leftovers().length === 0 && agent.children().length === 0);
  });

  test("right after its request leaves nothing running", async () => {
    for (let round = 0; round < 50; round++) (await agent.client.open({ op: "run", cmd: "sleep 60" })).close();
    await until("nothing is left of them", 5, () => agent.leftovers().length === 0 && agent.children().length === 0);
  });

  test("harms no other host's command", async () => {
    makeFifo(agent.path("gate"));
    const keeper = agent.client.run("read line <gate; exit 9");
    const losers = await Promise.all(Array.from({ length: 20 }, () => start(agent.client, "echo $$; exec sleep 60")));
    for (const { peer } of losers) peer.close();
    await until("the others are dead", 1, () => losers.every(({ pids }) => pids.every((pid) => !isAlive(pid))));
    await writeFifo(agent.path("gate"), "go");
    expect((await keeper).object.exit_code).toBe(9);
  });
});

describe("put_file: a host that closes", () => {
  const points: [string, Uint8Array][] = [
    ["before any payload", new Uint8Array()],
    ["within a frame's header", header(frameType.data, 1000).subarray(0, 3)],
    ["within a frame's payload", frame(frameType.data, "x".repeat(1000)).subarray(0, 500)],
    ["between frames", frame(frameType.data, "x".repeat(500_000))],
  ];
  const hangUps: [string, (peer: Peer) => void][] = [
    ["close", (peer) => peer.close()],
    ["abort", (peer) => peer.abort()],
    ["half-close", (peer) => peer.endSending()],
  ];
  for (const [how, hangUp] of hangUps) {
    test.each(points)(`%s (${how}) leaves no temporary, the target untouched`, async (_, bytes) => {
      for (const client of [agent.client, tcp]) {
        writeFileSync(agent.path("target"), "old");
        const peer = await client.open(putRequest(agent.path("target"), 1_000_000));
        await until("the upload has begun", 5, () => temporaries(agent.directory).length === 1);
        await peer.send(bytes);
        hangUp(peer);
        await until("the temporary is gone", 1, () => temporaries(agent.directory).length === 0);
        expect(readFileSync(agent.path("target"), "utf8")).toBe("old");
        peer.close();
      }
    });
  }
});

describe("get_file: a host that closes", () => {
  test("in the middle leaves no descriptor", async () => {
    writeFileSync(agent.path("large"), "");
    truncateSync(agent.path("large"), 1_000_000_000);
    for (const client of [agent.client, tcp]) {
      const peers = await Promise.all(Array.from({ length: 20 }, () => client.open({ op: "get_file", path: agent.path("large") })));
      await Promise.all(peers.map((peer) => peer.frame()));
      for (const peer of peers) peer.abort();
    }
    await agent.settled();
  });
});

test("nothing was said of it at the default level", () => {
  expect(agent.lines).toHaveLength(2);
});

test("nothing is left behind", async () => {
  await agent.settled();
  expect(temporaries(agent.directory)).toEqual([]);
});
