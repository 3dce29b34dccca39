import { afterAll, beforeAll, expect, test } from "bun:test";
import { Agent, hangLimit } from "../agent.ts";
import { withPeer } from "./fake-peer.ts";
import { onEachHost, startAgent } from "./program.ts";

let agent: Agent;

beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent.stop());

onEachHost((motectl) => {
  test("prints address, version and round-trip time", async () => {
    const { code, stdout, stderr } = await motectl.call(["--unix", agent.socket, "ping"]);
    expect(stderr).toBe("");
    expect(stdout.toString()).toMatch(/^unix:\S+agent\.sock: agent \d+\.\d+\.\d+, protocol 1, round trip \d+\.\d\d ms\n$/);
    expect(code).toBe(0);
  }, hangLimit);

  test("MOTE_ADDRESS is the address when none is given, and only then", async () => {
    const env = { MOTE_ADDRESS: `unix:${agent.socket}` };
    expect((await motectl.call(["ping"], { env })).code).toBe(0);
    expect((await motectl.call(["--unix", "/none", "ping"], { env })).stderr).toContain("unix:/none");
  }, hangLimit);

  test("over TCP", async () => {
    const relay = Bun.listen<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: async (socket) => {
          const pong = { ok: true, op: "pong", agent_version: "9.8.7", proto: 1 };
          const text = JSON.stringify(pong);
          socket.write(Buffer.concat([Buffer.from([1, 0, 0, 0, text.length]), Buffer.from(text)]));
        },
        data: () => {},
      },
    });
    const { stdout } = await motectl.call(["--tcp", `localhost:${relay.port}`, "ping"]);
    relay.stop(true);
    expect(stdout.toString()).toContain("agent 9.8.7, protocol 1");
  }, hangLimit);

  test("what the agent says cannot act on the terminal", async () => {
    const answer = { ok: true, op: "pong", agent_version: "\u001b[2J\u009b2J\n", proto: 1 };
    await withPeer((peer) => peer.json(answer), async (path) => {
      const { stdout } = await motectl.call(["--unix", path, "ping"]);
      expect(stdout.toString()).toContain("agent \\x1b[2J\\x9b2J\\x0a, protocol");
    });
  }, hangLimit);
});
