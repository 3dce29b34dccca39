// The one place that takes statuses: each comes to whoever waits for it, and to nobody else.

import { expect, test } from "bun:test";
import { environAddress } from "#libc";
import { Reaper } from "../../init/reaper.ts";
import { ExitWatcher } from "../../sys/exit.ts";
import { launchWork } from "../../sys/launch.ts";
import { Loop } from "../../sys/loop.ts";
import { isChild, reap } from "../../sys/process.ts";
import { state } from "../proc.ts";
import { untilSync } from "../until.ts";

const STDERR = 2;

/** Waits, without taking its status, until a child has ended. */
function ended(pid: number): void {
  untilSync("the child has ended", 20, () => state(pid) === "Z");
}

test("L042: a child that ended before anybody watched is told all the same", () => {
  const loop = new Loop();
  const reaper = new Reaper(loop);
  const told: number[] = [];
  const pid = launchWork(() => {});
  ended(pid);
  reaper.watch(pid, (status) => told.push(status));
  expect(told).toEqual([]);
  reaper.reap();
  expect(told).toEqual([0]);
  expect(isChild(pid)).toBe(false);
});

test("L042: so it is to one who watches a single child, whose status stays to be taken", () => {
  const loop = new Loop();
  const pid = launchWork(() => {
    throw new Error("this work fails");
  });
  ended(pid);
  let isTold = false;
  new ExitWatcher(loop).watch(pid, () => (isTold = true));
  loop.turn();
  expect([isTold, isChild(pid), reap(pid), isChild(pid)]).toEqual([true, true, 1, false]);
});

test("each end is told once, with its code or its signal", () => {
  const loop = new Loop();
  const reaper = new Reaper(loop);
  const told: [string, number][] = [];
  const launch = (...argv: string[]): number => reaper.launch(argv, environAddress(), STDERR, (status) => told.push([argv.join(" "), status]));
  const pids = [
    launch("/bin/sh", "-c", "exit 7"),
    launch("/bin/sh", "-c", "kill -9 $$"),
    launch("/nonexistent"),
    reaper.work(() => {}, (status) => told.push(["work", status])),
  ];
  pids.forEach(ended);
  reaper.reap();
  expect(told.sort()).toEqual([["/bin/sh -c exit 7", 7], ["/bin/sh -c kill -9 $$", -9], ["/nonexistent", 127], ["work", 0]]);
  reaper.reap();
  expect(told).toHaveLength(4);
});
