// What a guest's own programs can do to it: PID 1 and what serves survive all of it.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { noise } from "../scratch.ts";
import { until } from "../until.ts";
import { booted, network } from "./booted.ts";
import { hangLimit } from "./guest.ts";
import { usualInitramfs } from "./images.ts";

setDefaultTimeout(hangLimit);

const at = booted(() => ({ initramfs: usualInitramfs(), parameters: network }));

const worker = async (): Promise<string> => (await at().output("pidof mote-worker")).trim();

/** Expects that commands run again, and that nothing of the agent had to be replaced. */
async function expectUnharmed(before: string): Promise<void> {
  await at().client.ping();
  await until("commands run again", 60, async () => (await at().client.run("true")).object.exit_code === 0);
  expect(await worker()).toBe(before);
  expect(at().guest.console.matching(/Kernel panic/)).toEqual([]);
}

describe("PID 1 survives", () => {
  test("10,000 orphans, and reaps every one", async () => {
    const before = await worker();
    // Each of 100 shells starts 100 that it does not wait for.
    const hundred = "i=0; while [ $i -lt 100 ]; do : & i=$((i + 1)); done";
    await at().output(`n=0; while [ $n -lt 100 ]; do (${hundred}); n=$((n + 1)); done`);
    const zombies = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true";
    await until("no zombie is left", 20, async () => (await at().output(zombies)) === "0\n");
    await expectUnharmed(before);
  });

  test("a fork bomb", async () => {
    const before = await worker();
    const { object } = await at().client.run("bomb() { bomb | bomb & }; bomb; wait; sleep 600", { timeout: 5 });
    expect(object.op).toBe("timeout");
    await expectUnharmed(before);
  });

  test("a full disk: uploads fail with its error, the rest goes on", async () => {
    const before = await worker();
    await at().client.run("dd if=/dev/zero of=/fill bs=1M");
    const { object } = await at().client.put("/file", noise(1_000_000));
    expect(object).toEqual({ ok: false, error: "[Errno 28] No space left on device" });
    await at().output("rm /fill");
    await expectUnharmed(before);
  });

  test("a program that takes all memory", async () => {
    const before = await worker();
    const { object } = await at().client.run("exec tail /dev/zero");
    expect(object.exit_code).toBe(-9);
    await at().guest.console.line(/Out of memory: Killed process \d+ \(tail\)/);
    expect(at().guest.console.matching(/Out of memory: Killed process \d+ \(tail\)/).length).toBe(1);
    await expectUnharmed(before);
  });

  test.each(["ABRT", "SEGV"])("L087: SIG%s, as an abort of its own would send it", async (signal) => {
    const before = await worker();
    await at().output(`kill -${signal} 1`);
    await expectUnharmed(before);
  });

  test("the death of its worker", async () => {
    const before = await worker();
    const peer = await at().client.open({ op: "run", v: 1, shell: "raw", cmd: `kill -9 ${before}` });
    await peer.ending();
    expect(await worker()).not.toBe(before);
    await at().guest.console.line(/mote: worker \d+ was killed by signal 9/);
    expect(at().guest.console.logged(/^worker \d+ was killed by signal 9/).length).toBe(1);
  });
});
