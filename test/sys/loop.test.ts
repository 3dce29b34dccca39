// The poll loop over real pipes.

import { expect, test } from "bun:test";
import { addressOf, call } from "#libc";
import { Call } from "../../sys/calls.ts";
import { close } from "../../sys/file.ts";
import { Idler, Loop, Ready, Source } from "../../sys/loop.ts";
import { Timer } from "../../sys/timer.ts";

class Probe extends Source {
  readonly seen: number[] = [];
  act: (probe: Probe) => void;

  constructor(fd: number, act: (probe: Probe) => void = () => {}) {
    super(fd);
    this.act = act;
  }

  override onReady(ready: number): void {
    this.seen.push(ready);
    this.act(this);
  }
}

function pipe(): [number, number] {
  const pair = new Int32Array(2);
  call(Call.pipe2, addressOf(new Uint8Array(pair.buffer)), 0o4000, 0);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

const byte = new Uint8Array([1]);
const write = (fd: number): number => call(Call.write, fd, addressOf(byte), 1);
const read = (fd: number): number => call(Call.read, fd, addressOf(byte), 1);

/** One turn, which nothing that is not ready yet holds up for long. */
function turn(loop: Loop): void {
  const limit = new Timer(() => {});
  loop.timers.start(limit, 1);
  loop.turn();
  loop.timers.cancel(limit);
}

test("a source is told what it waits for, again and again until it has taken it", () => {
  const loop = new Loop();
  const [reader, writer] = pipe();
  const probe = new Probe(reader);
  loop.add(probe, Ready.READABLE);
  turn(loop);
  expect(probe.seen).toEqual([]);
  write(writer);
  turn(loop);
  turn(loop);
  expect(probe.seen).toEqual([Ready.READABLE, Ready.READABLE]);
  read(reader);
  turn(loop);
  expect(probe.seen).toHaveLength(2);
  close(reader);
  close(writer);
});

test("interest changes, and none still reports a hang-up", () => {
  const loop = new Loop();
  const [reader, writer] = pipe();
  const probe = new Probe(reader);
  loop.add(probe, Ready.NONE);
  write(writer);
  turn(loop);
  expect(probe.seen).toEqual([]);
  loop.setEvents(probe, Ready.READABLE);
  turn(loop);
  expect(probe.seen).toEqual([Ready.READABLE]);
  loop.setEvents(probe, Ready.NONE);
  close(writer);
  turn(loop);
  expect(probe.seen).toEqual([Ready.READABLE, Ready.HANGUP]);
  close(reader);
});

test("a source that is removed while others are told is not told any more", () => {
  // Whichever of the two is called first removes the other.
  const loop = new Loop();
  const pipes = Array.from({ length: 8 }, pipe);
  const probes = pipes.map(([reader]) => new Probe(reader));
  for (const probe of probes) {
    probe.act = (self) => {
      for (const other of probes) if (other !== self) loop.remove(other);
    };
    loop.add(probe, Ready.READABLE);
  }
  for (const [, writer] of pipes) write(writer);
  turn(loop);
  expect(probes.filter((probe) => probe.seen.length > 0)).toHaveLength(1);
  for (const pair of pipes) for (const fd of pair) close(fd);
});

test("every ready source is told once a turn, also where handlers remove themselves and add others", () => {
  const loop = new Loop();
  const pipes = Array.from({ length: 40 }, pipe);
  const added: Probe[] = [];
  const probes = pipes.map(([reader]) => new Probe(reader, (self) => {
    loop.remove(self);
    const fresh = new Probe(reader);
    added.push(fresh);
    loop.add(fresh, Ready.READABLE);
  }));
  for (const probe of probes) loop.add(probe, Ready.READABLE);
  for (const [, writer] of pipes) write(writer);
  turn(loop);
  expect(probes.map((probe) => probe.seen.length)).toEqual(probes.map(() => 1));
  expect(added.flatMap((probe) => probe.seen)).toEqual([]);
  turn(loop);
  expect(added.map((probe) => probe.seen.length)).toEqual(added.map(() => 1));
  for (const probe of added) loop.remove(probe);
  for (const pair of pipes) for (const fd of pair) close(fd);
});

test("a removed source may come back, and one outside the loop may be removed", () => {
  const loop = new Loop();
  const [reader, writer] = pipe();
  const probe = new Probe(reader);
  loop.remove(probe);
  loop.add(probe, Ready.READABLE);
  loop.remove(probe);
  loop.setEvents(probe, Ready.READABLE);
  write(writer);
  turn(loop);
  expect(probe.seen).toEqual([]);
  loop.add(probe, Ready.READABLE);
  turn(loop);
  expect(probe.seen).toEqual([Ready.READABLE]);
  close(reader);
  close(writer);
});

test("run ends when a handler or a timer stops it", () => {
  const loop = new Loop();
  loop.timers.start(new Timer(() => loop.stop()), 0);
  loop.run();
  const other = new Loop();
  const [reader, writer] = pipe();
  other.add(new Probe(reader, () => other.stop()), Ready.READABLE);
  write(writer);
  other.run();
  close(reader);
  close(writer);
});

test("a source or a timer that throws is the only one that suffers", () => {
  const loop = new Loop();
  const [reader, writer] = pipe();
  const [otherReader, otherWriter] = pipe();
  let failures = 0;
  class Broken extends Probe {
    override onFailure(): void {
      failures++;
    }
  }
  const broken = new Broken(reader, () => {
    throw new Error("thrown on purpose by this test");
  });
  const other = new Probe(otherReader);
  loop.add(broken, Ready.READABLE);
  loop.add(other, Ready.READABLE);
  write(writer);
  write(otherWriter);
  loop.timers.start(new Timer(() => {
    throw new Error("thrown on purpose by this test");
  }), -1);
  turn(loop);
  turn(loop);
  expect(broken.seen).toHaveLength(1);
  expect(failures).toBe(1);
  expect(other.seen.length).toBeGreaterThan(0);
  for (const fd of [reader, writer, otherReader, otherWriter]) close(fd);
});

test("at rest a timer wakes the process once: memory is given back at once, not after another delay", async () => {
  class Counter extends Idler {
    count = 0;
    override onIdle(): void {
      this.count++;
    }
  }
  const loop = new Loop();
  const counter = new Counter();
  loop.addIdler(counter);
  const [reader, writer] = pipe();
  loop.add(new Probe(reader, (self) => loop.remove(self)), Ready.READABLE);
  // Something happens 400 ms after the timer: within the delay that there would be.
  const child = Bun.spawn(["/bin/sh", "-c", "sleep 1; echo >&3"], { stdio: ["ignore", "inherit", "inherit", writer] });
  const timer = new Timer(() => {});
  loop.timers.start(timer, 600);
  loop.turn();
  expect(counter.count).toBe(1);
  loop.timers.start(timer, 60_000);
  loop.turn();
  expect(counter.count).toBe(2);
  // Now something has happened: memory is kept for a while.
  loop.timers.start(timer, 100);
  loop.turn();
  expect(counter.count).toBe(2);
  loop.timers.cancel(timer);
  await child.exited;
  close(reader);
  close(writer);
});
