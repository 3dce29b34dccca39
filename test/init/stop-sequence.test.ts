// The order and the limits of a stop, on a machine that only takes notes. The real one ends in test/namespaces/stop.test.ts.

import { expect, test } from "bun:test";
import { Platform, StopChoice, StopWish } from "../../init/platform.ts";
import { Reaper } from "../../init/reaper.ts";
import { StopActions, StopSequence } from "../../init/stop.ts";
import { SysError } from "../../sys/errno.ts";
import { Loop } from "../../sys/loop.ts";
import { Machine, type Reboot, type SysRq } from "../../sys/machine.ts";
import type { Signal } from "../../sys/signals.ts";
import { Timer } from "../../sys/timer.ts";

/** What the pieces do. */
interface Behaviour {
  /** The machine is not a namespace. */
  readonly isWhole?: boolean;
  /** Children that never end, counted from 0 in the order of their start. */
  readonly hanging?: readonly number[];
  /** User processes end at this signal; 0: they outlive SIGKILL. */
  readonly endsAt?: number;
  readonly cannotFork?: boolean;
  readonly refuses?: () => void;
  readonly hasAcpi?: boolean;
}

class Bench {
  readonly loop = new Loop();
  readonly notes: string[] = [];
  users = true;

  constructor(readonly behaviour: Behaviour) {}

  note(text: string): void {
    this.notes.push(text);
  }
}

class PaperMachine extends Machine {
  constructor(readonly bench: Bench, readonly reaper: () => PaperReaper) {
    super(bench.behaviour.isWhole ?? true);
  }

  override signalAll(signal: Signal): void {
    this.bench.note(`signal ${signal}`);
    if (signal === (this.bench.behaviour.endsAt ?? 15)) this.bench.users = false;
    this.reaper().reap();
  }

  override sync(): void {
    this.bench.note("sync");
  }

  override unmounting(): () => void {
    return () => this.bench.note("unmount");
  }

  override reboot(command: Reboot): number {
    this.bench.note(`reboot ${command.toString(16)}`);
    if (!this.isWhole) this.bench.loop.stop();
    return -1;
  }

  override request(key: SysRq): void {
    this.bench.note(`sysrq ${key}`);
    if (key === "b") this.bench.loop.stop();
  }
}

/** Children are done in the next turn of the loop, unless they hang. */
class PaperReaper extends Reaper {
  #children = 0;
  #running = 0;
  #onNone: (() => void) | undefined;

  constructor(readonly bench: Bench) {
    super(bench.loop);
  }

  override work(work: () => void, onExit: (status: number) => void): number {
    if (this.bench.behaviour.cannotFork === true) throw new SysError("fork", 11, "");
    const child = this.#children++;
    this.#running++;
    const end = (): void => {
      work();
      this.#running--;
      onExit(0);
      this.reap();
    };
    if (this.bench.behaviour.hanging?.includes(child) === true) this.bench.note(`child ${child} hangs`);
    else this.bench.loop.timers.start(new Timer(end), 0);
    return 1000 + child;
  }

  override awaitNone(onNone: () => void): void {
    this.#onNone = onNone;
    this.reap();
  }

  override reap(): void {
    if (this.bench.users || this.#running > 0) return;
    const onNone = this.#onNone;
    this.#onNone = undefined;
    onNone?.();
  }
}

class PaperActions extends StopActions {
  constructor(readonly bench: Bench) {
    super();
  }

  override refuseWork(): void {
    this.bench.note("refuse work");
    this.bench.behaviour.refuses?.();
  }
}

interface Outcome {
  readonly notes: readonly string[];
  /** Milliseconds. */
  readonly took: number;
}

/** Stops to the end; `then` may do more once it has begun. */
function stop(behaviour: Behaviour, graceMs: number, wish = StopWish.AUTO, then = (_: StopSequence, __: Bench): void => {}): Outcome {
  const bench = new Bench(behaviour);
  const reaper = new PaperReaper(bench);
  const machine = new PaperMachine(bench, () => reaper);
  const choice = new StopChoice(StopWish.AUTO, new Platform(true, behaviour.hasAcpi ?? true, false, false));
  const sequence = new StopSequence(bench.loop, reaper, choice, graceMs, machine, new PaperActions(bench));
  expect(sequence.isStopping).toBe(false);
  const began = performance.now();
  sequence.begin("a test", wish);
  expect(sequence.isStopping).toBe(true);
  then(sequence, bench);
  bench.loop.run();
  return { notes: bench.notes, took: performance.now() - began };
}

const POWER_OFF = "reboot 4321fedc";
const AUTOBOOT = "reboot 1234567";
const beginning = ["refuse work", "signal 15", "signal 18", "sync"];
const end = ["sync", "unmount", "sync", POWER_OFF, "sysrq o", "sysrq b"];

test("nothing ignores SIGTERM: no SIGKILL; sysrq only once reboot has come back", () => {
  expect(stop({}, 60_000).notes).toEqual([...beginning, ...end]);
});

test("where power cannot be cut, sysrq does not try to", () => {
  expect(stop({ hasAcpi: false }, 60_000).notes.slice(-2)).toEqual([AUTOBOOT, "sysrq b"]);
});

test("the wish of the signal reaches reboot", () => {
  expect(stop({}, 60_000, StopWish.REBOOT).notes.slice(-2)).toEqual([AUTOBOOT, "sysrq b"]);
});

test("the init of a namespace leaves disks and sysrq alone", () => {
  expect(stop({ isWhole: false }, 60_000).notes).toEqual([...beginning, "sync", POWER_OFF]);
});

test("what ignores SIGTERM is killed when the grace ends", () => {
  const { notes, took } = stop({ endsAt: 9 }, 100);
  expect(notes).toEqual([...beginning, "signal 9", ...end]);
  expect(took).toBeGreaterThanOrEqual(100);
});

test("what outlives SIGKILL is not waited for", () => {
  expect(stop({ endsAt: 0 }, 50).notes).toEqual([...beginning, "signal 9", ...end]);
});

test("a second request cuts the grace short, a third changes nothing", () => {
  const { notes } = stop({ endsAt: 9 }, 60_000, StopWish.AUTO, (sequence) => {
    sequence.begin("again", StopWish.REBOOT);
    sequence.begin("and again", StopWish.REBOOT);
  });
  expect(notes).toEqual(["refuse work", "signal 15", "signal 18", "signal 9", "sync", ...end]);
});

test("a request once everything has ended does not begin anew", () => {
  const { notes } = stop({}, 60_000, StopWish.AUTO, (sequence, bench) => {
    const again = new Timer(() => sequence.begin("again", StopWish.AUTO));
    bench.loop.timers.start(again, 0);
  });
  expect(notes.filter((note) => note === "refuse work" || note === POWER_OFF)).toHaveLength(2);
});

test("without a fork the machine still ends", () => {
  const { notes } = stop({ cannotFork: true }, 0);
  expect(notes).toEqual(["refuse work", "signal 15", "signal 18", POWER_OFF, "sysrq o", "sysrq b"]);
});

test("actions that fail do not hold it up", () => {
  const refuses = (): void => {
    throw new Error("not today");
  };
  expect(stop({ refuses }, 60_000).notes).toEqual([...beginning, ...end]);
});

test("a disk that never answers: every step is given up in its time", () => {
  const { notes, took } = stop({ isWhole: true, hanging: [0, 1, 2, 3] }, 1500);
  expect(notes).toEqual([
    "refuse work", "child 0 hangs", "signal 15", "signal 18", "signal 9", "child 1 hangs", "child 2 hangs", "child 3 hangs",
    POWER_OFF, "sysrq o", "sysrq b",
  ]);
  // 8 s for the stop, and one between the last two.
  expect(took).toBeLessThan(9000);
}, 20_000);
