import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, hangLimit } from "../agent.ts";
import { noise, remove, scratchDirectory, sha256 } from "../scratch.ts";
import { frame, frameType } from "../wire.ts";
import { type Connection, withPeer } from "./fake-peer.ts";
import { onEachHost, startAgent } from "./program.ts";

let agent: Agent;

beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent.stop());

const MB = 1_000_000;

/** Reads the line that asks for a port. Returns it. */
async function asked(peer: Connection): Promise<string> {
  await peer.until((bytes) => bytes.includes(10));
  return peer.received.subarray(0, peer.received.indexOf(10) + 1).toString();
}

/** As Firecracker joins a connection with a port of the guest: a line each way, then the streams. */
async function relay(peer: Connection): Promise<void> {
  const line = await asked(peer);
  if (line !== "CONNECT 1024\n") return peer.end();
  await peer.send("OK 1073741824\n");
  const guest = await Bun.connect<undefined>({
    unix: agent.socket,
    socket: {
      data: (_, chunk) => void peer.send(chunk),
      close: () => peer.end(),
    },
  });
  let sent = line.length;
  for (;;) {
    await peer.until((bytes) => bytes.length > sent);
    sent += Math.max(guest.write(peer.received.subarray(sent)), 0);
    await Bun.sleep(0);
  }
}

onEachHost((motectl) => {
  test("a command and a file pass through it", async () => {
    const directory = scratchDirectory();
    const local = join(directory, "local");
    const content = noise(2 * MB);
    writeFileSync(local, content);
    await withPeer(relay, async (path) => {
      const address = ["--firecracker", `${path}:1024`];
      const run = await motectl.call([...address, "run", "--", "echo through; exit 4"]);
      expect(run.stderr).toBe("");
      expect(run.stdout.toString()).toBe("through\n");
      expect(run.code).toBe(4);
      expect((await motectl.call(["ping"], { env: { MOTE_ADDRESS: `firecracker:${path}:1024` } })).code).toBe(0);
      expect((await motectl.call([...address, "put", local, join(directory, "remote")])).stderr).toBe("");
      expect(sha256(readFileSync(join(directory, "remote")))).toBe(sha256(content));
    });
    remove(directory);
  }, hangLimit);

  test("no byte behind the line is lost", async () => {
    const pong = frame(frameType.json, JSON.stringify({ ok: true, op: "pong", agent_version: "1", proto: 1 }));
    await withPeer(async (peer) => {
      await asked(peer);
      await peer.send(Buffer.concat([Buffer.from("OK 5\n"), pong]));
    }, async (path) => {
      expect((await motectl.call(["--firecracker", `${path}:1`, "ping"])).code).toBe(0);
    });
  }, hangLimit);

  test("a port on which nobody listens is named", async () => {
    await withPeer(async (peer) => {
      await asked(peer);
      peer.end();
    }, async (path) => {
      const { code, stderr } = await motectl.call(["--firecracker", `${path}:77`, "ping"]);
      expect(stderr).toBe(
        `motectl: Firecracker at firecracker:${path}:77 closed the connection; ` +
          "check that the agent listens on vsock port 77 in the guest\n",
      );
      expect(code).toBe(1);
    });
  }, hangLimit);

  test.each(["NO\n", "OKAY 1\n", "\u001b[31mOK 1\n", `OK${"x".repeat(500)}`])("an answer that is no OK is shown: %j", async (answer) => {
    await withPeer(async (peer) => {
      await asked(peer);
      await peer.send(answer);
      peer.end();
    }, async (path) => {
      const { code, stderr } = await motectl.call(["--firecracker", `${path}:1024`, "run", "true"]);
      const shown = answer.trimEnd().replace("\u001b", "\\x1b").slice(0, 32);
      expect(stderr).toContain(`answered '${shown}'`);
      expect(code).toBe(125);
    });
  }, hangLimit);
});
