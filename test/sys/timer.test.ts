import { expect, test } from "bun:test";
import fc from "fast-check";
import { Timer, TimerHeap } from "../../sys/timer.ts";

test("timers fire once, in the order of their deadlines, and those that were cancelled do not", () => {
  const plan = fc.array(fc.record({ delay: fc.integer({ min: -50, max: 0 }), cancel: fc.boolean(), restart: fc.boolean() }));
  fc.assert(fc.property(plan, (entries) => {
    const heap = new TimerHeap();
    const fired: number[] = [];
    const timers = entries.map((_, index) => new Timer(() => fired.push(index)));
    for (const [index, timer] of timers.entries()) heap.start(timer, entries[index]?.delay ?? 0);
    for (const [index, timer] of timers.entries()) if (entries[index]?.cancel === true) heap.cancel(timer);
    for (const [index, timer] of timers.entries()) if (entries[index]?.restart === true) heap.start(timer, -100);
    heap.runDue();
    heap.runDue();
    const live = timers.filter((_, index) => entries[index]?.cancel !== true || entries[index]?.restart === true);
    expect(fired.length).toBe(live.length);
    expect(new Set(fired).size).toBe(fired.length);
    const deadlines = fired.map((index) => timers[index]?.deadline ?? NaN);
    expect(deadlines).toEqual(deadlines.toSorted((a, b) => a - b));
    expect(heap.wait()).toBe(-1);
  }));
});

test("the wait is that of the first deadline, rounded up", () => {
  const heap = new TimerHeap();
  expect(heap.wait()).toBe(-1);
  const far = new Timer(() => {});
  const near = new Timer(() => {});
  heap.start(far, 60_000);
  heap.runDue();
  expect(heap.wait()).toBeGreaterThan(59_000);
  heap.start(near, 5000);
  heap.runDue();
  expect(heap.wait()).toBeGreaterThan(4000);
  expect(heap.wait()).toBeLessThanOrEqual(5000);
  heap.cancel(near);
  heap.runDue();
  expect(heap.wait()).toBeGreaterThan(59_000);
  heap.start(far, Infinity);
  heap.runDue();
  expect(heap.wait()).toBe(-1);
});

test("a handler may start its timer anew, and cancel another that is due", () => {
  const heap = new TimerHeap();
  let count = 0;
  const other = new Timer(() => { count += 100; });
  const again: Timer = new Timer(() => {
    count++;
    heap.cancel(other);
    if (count < 3) heap.start(again, -1);
  });
  heap.start(again, -2);
  heap.start(other, -1);
  heap.runDue();
  expect(count).toBe(3);
});
