import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { consoleLine, Moment, recordLine } from "../../init/milestones.ts";
import { addLine } from "../../sys/whole-file.ts";
import { makeFifo, remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

const uptime = (): number => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);

test("a record is JSON, with the time by both clocks", () => {
  const before = [Date.now() / 1000, uptime()];
  const record = JSON.parse(recordLine("net-ready", new Moment()));
  const after = [Date.now() / 1000, uptime()];
  expect(Object.keys(record)).toEqual(["stage", "epoch_s", "uptime_s"]);
  expect(record.stage).toBe("net-ready");
  // Cut to the millisecond, and /proc/uptime to the hundredth of a second.
  expect(record.epoch_s).toBeGreaterThan((before[0] ?? NaN) - 0.002);
  expect(record.epoch_s).toBeLessThan((after[0] ?? NaN) + 0.002);
  expect(record.uptime_s).toBeGreaterThan((before[1] ?? NaN) - 0.02);
  expect(record.uptime_s).toBeLessThan((after[1] ?? NaN) + 0.02);
});

test("seconds have three places", () => {
  for (let round = 0; round < 2000; round++) {
    const moment = new Moment();
    expect(moment.epoch).toMatch(/^[0-9]+\.[0-9]{3}$/);
    expect(moment.uptime).toMatch(/^[0-9]+\.[0-9]{3}$/);
  }
});

test("the console's line", () => {
  const moment = new Moment();
  const times = `epoch_s=${moment.epoch} uptime_s=${moment.uptime}`;
  expect(consoleLine("init-start", moment)).toBe(`SMOLVM_TS stage=init-start ${times}`);
});

test("lines are added at the end, to a file that is made where that is asked for", () => {
  const path = join(directory, "log");
  expect(addLine(path, "one", false)).toBe(false);
  expect(existsSync(path)).toBe(false);
  expect(addLine(path, "one", true)).toBe(true);
  writeFileSync(path, "and\n", { flag: "a" });
  expect(addLine(path, "two", false)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe("one\nand\ntwo\n");
  expect(statSync(path).mode & 0o7777).toBe(0o644);
});

test("what nobody reads is not waited for", () => {
  const fifo = join(directory, "fifo");
  makeFifo(fifo);
  expect(addLine(fifo, "line", false)).toBe(false);
  // A reader that does not read: full after 64 KiB.
  const reader = Bun.spawn(["sh", "-c", 'exec 3<>"$1"; echo; exec sleep 60', "sh", fifo], { stdout: "pipe" });
  return reader.stdout.getReader().read().then(() => {
    let taken = 0;
    while (addLine(fifo, "x".repeat(1023), false)) taken++;
    reader.kill();
    expect(taken).toBe(64);
  });
});
