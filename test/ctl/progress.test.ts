import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hangLimit } from "../agent.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { frame, frameType } from "../wire.ts";
import { type Script, withPeer } from "./fake-peer.ts";
import { onEachHost, type Program } from "./program.ts";

const MB = 1_000_000;
const CLEAR_LINE = "\r\u001b[K";

/** A file that takes its second to come. */
const slowFile: Script = async (peer) => {
  await peer.request();
  await peer.json({ ok: true, mode: 0o644, size: 10 * MB });
  for (let i = 0; i < 20; i++) {
    await peer.send(frame(frameType.data, Buffer.alloc(MB / 2)));
    await Bun.sleep(50);
  }
  await peer.send(frame(frameType.eof));
};

/** What a command writes to a terminal of so many columns. */
async function onTerminal(motectl: Program, args: readonly string[], columns: number): Promise<string> {
  const command = `stty cols ${columns} -onlcr; ${motectl.shell(args)}`;
  const child = Bun.spawn({ cmd: ["script", "-qec", command, "/dev/null"], stdio: ["ignore", "pipe", "inherit"] });
  return await new Response(child.stdout).text();
}

onEachHost((motectl) => {
  test("one line on a terminal, a few times a second, with rate and time left; then its summary", async () => {
    const directory = scratchDirectory();
    await withPeer(slowFile, async (path) => {
      const output = await onTerminal(motectl, ["--unix", path, "get", "/some/file", join(directory, "x")], 80);
      const [start, ...states] = output.split(CLEAR_LINE);
      expect(start).toBe("");
      const summary = states.pop();
      expect(summary).toMatch(/^\/some\/file  10\.0 MB in \d\.\d s, \d+\.\d MB\/s\n$/);
      expect(states.length).toBeGreaterThanOrEqual(3);
      // Every 200 ms of what the summary says it took.
      const seconds = Number(/ in (\d\.\d) s/.exec(summary ?? "")?.[1]);
      expect(states.length).toBeLessThanOrEqual((seconds + 0.1) * 5);
      for (const state of states) {
        expect(state).toMatch(/^\/some\/file  \d\.\d MB of 10\.0 MB, \d+%, \d+\.\d MB\/s, 0:0\d left$/);
      }
    });
    remove(directory);
  }, hangLimit);

  test("fits a narrow terminal", async () => {
    const directory = scratchDirectory();
    await withPeer(slowFile, async (path) => {
      for (const columns of [50, 20]) {
        const output = await onTerminal(motectl, ["--unix", path, "get", "/a/long/name/of/a/file", join(directory, "x")], columns);
        for (const state of output.trimEnd().split(CLEAR_LINE)) expect(state.length).toBeLessThan(columns);
        if (columns === 50) expect(output).toContain(`${CLEAR_LINE}...`);
      }
    });
    remove(directory);
  }, hangLimit);

  test("a failure takes the line's place", async () => {
    const directory = scratchDirectory();
    const broken: Script = async (peer) => {
      await peer.request();
      await peer.json({ ok: true, mode: 0o644, size: MB });
      await Bun.sleep(250);
      await peer.send(frame(frameType.data, Buffer.alloc(MB / 2)));
      await Bun.sleep(50);
      peer.end();
    };
    await withPeer(broken, async (path) => {
      const output = await onTerminal(motectl, ["--unix", path, "get", "/x", join(directory, "x")], 200);
      const [, state, message] = output.split(CLEAR_LINE);
      expect(state).toStartWith("/x  ");
      expect(output.split(CLEAR_LINE).at(-1)).toStartWith("motectl: the agent at");
      expect(message).not.toBe("");
    });
    remove(directory);
  }, hangLimit);

  test("an upload shows it too", async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, "local"), Buffer.alloc(2 * MB));
    const slowReader: Script = async (peer) => {
      await peer.request();
      await Bun.sleep(500);
      peer.resume();
      await peer.until((bytes) => bytes.length > 2 * MB && bytes.at(-5) === frameType.eof);
      await peer.json({ ok: true });
    };
    await withPeer(slowReader, async (path) => {
      const output = await onTerminal(motectl, ["--unix", path, "put", join(directory, "local"), "/x"], 80);
      expect(output).toMatch(/\/x  \S+ kB of 2\.0 MB, \d+%, .+ left/);
      expect(output).toMatch(/\/x  2\.0 MB in \d\.\d s, \S+ MB\/s\n$/);
    });
    remove(directory);
  }, hangLimit);

  test("nothing of it when the terminal shows the file itself, nor without one", async () => {
    await withPeer(slowFile, async (path) => {
      const output = await onTerminal(motectl, ["--unix", path, "get", "/x", "-"], 80);
      expect(output.replaceAll("\0", "")).toBe("");
      expect((await motectl.call(["--unix", path, "get", "/x", "-"])).stderr).toBe("");
    });
  }, hangLimit);
});
