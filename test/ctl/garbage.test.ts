import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { noise, remove, scratchDirectory } from "../scratch.ts";
import { frame, frameType, header } from "../wire.ts";
import { withPeer } from "./fake-peer.ts";
import { onEachHost } from "./program.ts";

const noFrame = "does not speak protocol version 1";
const noJson = "answered with malformed JSON: ";

const answers: [string, Uint8Array | string, string][] = [
  ["nothing at all", "", "closed the connection before the end of its answer"],
  ["a web page", "HTTP/1.1 400 Bad Request\r\n\r\n", noFrame],
  ["half a header", Buffer.from([1, 0]), "ended within a frame"],
  ["half a payload", frame(frameType.json, "{}").subarray(0, 6), "ended within a frame"],
  ["a frame of an unknown type", frame(9, "x"), noFrame],
  ["a frame above 16 MiB", header(frameType.json, 16 * 1024 * 1024 + 1), noFrame],
  ["a frame of 4 GiB", header(frameType.data, 0xffffffff), noFrame],
  ["a JSON frame without JSON", frame(frameType.json, ""), `${noJson}unexpected end at byte 0`],
  ["malformed JSON", frame(frameType.json, "{\u0000"), noJson],
  ["JSON of great depth", frame(frameType.json, "[".repeat(100_000)), noJson],
  ["JSON that is no object", frame(frameType.json, "[]"), "refused: without a reason"],
  ["an object without ok", frame(frameType.json, "{}"), "refused: without a reason"],
  ["an ok that is not true", frame(frameType.json, '{"ok":1}'), "refused: without a reason"],
  ["an error that is no text", frame(frameType.json, '{"ok":false,"error":[]}'), "refused: without a reason"],
  ["an error that would act on the terminal", frame(frameType.json, '{"ok":false,"error":"\\u001b[2J\\n"}'), "refused: \\x1b[2J\\x0a\n"],
];

const commands = (local: string): string[][] => [["ping"], ["run", "true"], ["put", "/etc/passwd", "/x"], ["get", "/x", local]];

onEachHost((motectl) => {
  test.each(answers)("%s is an error, whatever was asked", async (_, answer, message) => {
    const directory = scratchDirectory();
    await withPeer(async (peer) => {
      await peer.request();
      await peer.send(answer);
      peer.endSending();
    }, async (path) => {
      for (const command of commands("local")) {
        const { code, stderr } = await motectl.call(["--unix", path, ...command], { cwd: directory });
        expect(stderr).toMatch(/^motectl: .+\n$/);
        expect(stderr).toContain(message);
        expect(code).toBe(command[0] === "run" ? 125 : 1);
      }
    });
    expect(readdirSync(directory)).toEqual([]);
    remove(directory);
  }, hangLimit);

  test("numbers of any size are taken as they are", async () => {
    const directory = scratchDirectory();
    for (const number of ["1e999", "-1e999", "1e300", "-1", "0.5", "null", '"x"', "{}"]) {
      await withPeer(async (peer) => {
        await peer.request();
        await peer.json(`{"ok":true,"mode":${number},"size":${number},"op":"exit","exit_code":${number},"proto":${number}}`);
        await peer.send(frame(frameType.eof));
        peer.end();
      }, async (path) => {
        expect((await motectl.call(["--unix", path, "get", "/x", "local"], { cwd: directory })).code).toBe(0);
        expect((await motectl.call(["--unix", path, "ping"])).code).toBe(0);
        expect((await motectl.call(["--unix", path, "run", "true"])).code).toBe(number === "-1" ? 129 : 125);
      });
    }
    remove(directory);
  }, hangLimit);

  test("random streams never crash it", async () => {
    const directory = scratchDirectory();
    let seed = 0;
    // Every other one starts as an answer should.
    const starts = [Buffer.alloc(0), frame(frameType.json, '{"ok":true,"mode":420,"size":9}')];
    await withPeer(async (peer) => {
      await peer.request();
      const bytes = noise(seed * 7, seed + 1);
      if (seed % 4 > 1) for (let at = 0; at + 4 <= bytes.length; at += 9) bytes.set([1 + (seed % 5), 0, 0, 0], at);
      await peer.send(Buffer.concat([starts[seed % 2] ?? Buffer.alloc(0), bytes]));
      peer.end();
    }, async (path) => {
      for (seed = 0; seed < (motectl.isNative ? 400 : 40); seed++) {
        for (const command of commands("-")) {
          const { code } = await motectl.call(["--unix", path, ...command], { cwd: directory });
          expect([0, 1, 125]).toContain(code ?? -1);
        }
      }
    });
    remove(directory);
  }, hangLimit);
});
