// kill -9 of a client at any point leaves no process, no temporary and no descriptor behind.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, hangLimit } from "../agent.ts";
import { putRequest } from "../client.ts";
import { scale } from "../host.ts";
import { noise, sha256 } from "../scratch.ts";
import { until } from "../until.ts";
import { frame, frameType, request } from "../wire.ts";

setDefaultTimeout(hangLimit);

let agent: Agent;
beforeAll(async () => {
  agent = await Agent.start();
});
afterAll(() => agent.stop());

/** Random and repeatable numbers below `bound`, one per round, the ends among them. */
function points(rounds: number, bound: number): number[] {
  const words = new Uint32Array(noise(rounds * 4, rounds).buffer);
  return [0, bound - 1, ...Array.from(words, (word) => word % bound)].slice(0, rounds);
}

interface Death {
  /** Bytes sent before it; -1 for all of them and no death by that. */
  readonly sent: number;
  /** Bytes received before it. */
  readonly received: number;
}

/** Starts one client per death, four at a time, and awaits that SIGKILL ended each. */
async function killClients(stream: Uint8Array, deaths: readonly Death[]): Promise<void> {
  const file = agent.path("stream");
  writeFileSync(file, stream);
  const queue = [...deaths];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let death = queue.shift(); death !== undefined; death = queue.shift()) {
        const script = join(import.meta.dir, "../victim.ts");
        const victim = Bun.spawn([process.execPath, script, agent.socket, file, `${death.sent}`, `${death.received}`], {
          stdio: ["ignore", "ignore", "inherit"],
        });
        await victim.exited;
        expect(victim.signalCode).toBe("SIGKILL");
      }
    }),
  );
}

async function expectNothingLeft(): Promise<void> {
  await until("no process is left a second after the last kill", 1, () => agent.leftovers().length === 0 && agent.children().length === 0);
  await agent.settled();
}

const { kills } = scale;
const whole = (received: number): Death => ({ sent: -1, received });
const partial = (sent: number): Death => ({ sent, received: -1 });

describe("run", () => {
  const command = { op: "run", v: 1, shell: "raw", cmd: "echo one; yes & yes >&2 & sleep 60" };

  test("killed while it sends its request", async () => {
    const stream = request(command);
    await killClients(stream, points(kills, stream.length + 1).map(partial));
    await expectNothingLeft();
  });

  test("killed while it reads output", async () => {
    await killClients(request(command), points(kills, 2_000_000).map((point) => whole(point + 1)));
    await expectNothingLeft();
  });
});

describe("put_file", () => {
  const size = 1_000_000;
  const content = noise(size, 17);

  test("killed anywhere in its upload: the target is the old or the new, whole", async () => {
    const directory = agent.path("uploads");
    mkdirSync(directory);
    const target = join(directory, "target");
    writeFileSync(target, "old");
    const frames: Buffer[] = [request(putRequest(target, size))];
    for (let at = 0; at < size; at += 65_536) frames.push(frame(frameType.data, content.subarray(at, at + 65_536)));
    frames.push(frame(frameType.eof));
    const stream = Buffer.concat(frames);
    await killClients(stream, points(2 * kills, stream.length).map(partial));
    await expectNothingLeft();
    await until("no temporary is left", 1, () => readdirSync(directory).length === 1);
    expect([sha256(Buffer.from("old")), sha256(content)]).toContain(sha256(readFileSync(target)));
  });
});

describe("get_file", () => {
  test("killed anywhere in its download", async () => {
    const size = 4_000_000;
    writeFileSync(agent.path("download"), noise(size, 19));
    const stream = request({ op: "get_file", v: 1, path: agent.path("download") });
    await killClients(stream, points(kills, stream.length + 1).map(partial));
    await killClients(stream, points(kills, size).map((point) => whole(point + 1)));
    await expectNothingLeft();
  });
});

test("killed from outside, at any time", async () => {
  // A client in a loop of all operations, and a kill after it has come a random way.
  for (const delay of points(kills / 2, 60)) {
    const script = join(import.meta.dir, "../victim-loop.ts");
    const victim = Bun.spawn([process.execPath, script, agent.socket, agent.path("looped")], { stdio: ["ignore", "pipe", "inherit"] });
    await victim.stdout.getReader().read(); // it says when its traffic has begun
    await Bun.sleep(delay); // the random point
    victim.kill("SIGKILL");
    await victim.exited;
    expect(victim.signalCode).toBe("SIGKILL");
  }
  await expectNothingLeft();
  expect(readdirSync(agent.directory).filter((name) => name.startsWith(".smolvm-put-"))).toEqual([]);
});

test("nothing was said of it at the default level", () => {
  expect(agent.lines).toHaveLength(1);
});
