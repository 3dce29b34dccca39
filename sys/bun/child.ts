/** A child that carries out a plan, as plan.ts has it, and becomes its program: what become.c is natively. */
import { ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { Call } from "../calls.ts";
import { addressOf, call, call6, cstringOf, wordAt } from "./libc.ts";

const [COUNT, NAME, PATH, ARGV, ENVIRONMENT, SCRIPT, STATUS, STEPS] = [0, 1, 2, 3, 4, 5, 6, 7];
const STEP_WORDS = 6;
const [ANY, OPENS, EXECUTE, GROUP] = [0, 1, 5, 6];
const [ENOENT, ENOEXEC, EACCES, ENOTDIR, ENAMETOOLONG, ENOSYS] = [2, 8, 13, 20, 36, 38];
const STDERR = 2;

function isMissing(error: number): boolean {
  return error === ENOENT || error === ENOTDIR || error === ENAMETOOLONG;
}

/** E2BIG, EAGAIN, ENOMEM, ENFILE, EMFILE: it is not the file's fault. */
function isOutOfMeans(error: number): boolean {
  return error === 7 || error === 11 || error === 12 || error === 23 || error === 24;
}

/** What a child writes: a rule and an errno. */
const told = new Int32Array(2);
/** Room for the words of a plan, of which a child could not make a view. */
const copy = new Float64Array(1024);
const copyBytes = new Uint8Array(copy.buffer);
/** The errno of the step that carryOut has stopped at. */
let stopped = 0;

/** In a child: writes the rule of a step that has failed, and its errno, to a descriptor. */
function tell(status: number, toldAt: number, rule: number, error: number): void {
  told[0] = rule;
  told[1] = error;
  call(Call.write, status, toldAt, 8);
}

/**
 * In a child: carries out the steps of a plan. Returns 0, or the rule of the one that must not have failed. Makes no object
 * and no view: whoever collects garbage waits for threads that are not there.
 */
export function carryOut(plan: Uint8Array): number {
  copyBytes.set(plan);
  return carryOutWords(copy, copy[COUNT] ?? 0, copy[STATUS] ?? 0, Number(ptr(told)));
}

function carryOutWords(words: Float64Array, count: number, status: number, toldAt: number): number {
  let opened = -1;
  for (let step = 0; step < count; step++) {
    const at = STEPS + step * STEP_WORDS;
    const a = words[at + 1] ?? 0;
    const rule = words[at + 5] ?? 0;
    const result = call6(words[at] ?? 0, a === -1 ? opened : a, words[at + 2] ?? 0, words[at + 3] ?? 0, words[at + 4] ?? 0, 0, 0);
    if (rule === OPENS) opened = result;
    else if (rule === GROUP && result < 0) tell(status, toldAt, rule, -result);
    else if (rule !== ANY && result < 0) {
      stopped = -result;
      return rule;
    }
  }
  return 0;
}

/** The C string at an address, its NUL with it. */
function stringAt(address: number): Uint8Array {
  const bytes = new Uint8Array(call(Call.strlen, address, 0, 0) + 1);
  call(Call.memcpy, addressOf(bytes), address, bytes.length);
  return bytes;
}

/** The files to try for a command, where it names none itself, in the directories between colons. */
function candidates(name: Uint8Array, path: Uint8Array): Uint8Array[] {
  if (name.includes(47)) return [name];
  if (name.length > 4096) return [];
  const directories = Buffer.from(path.subarray(0, -1)).toString("latin1").split(":");
  return directories.map((directory) => new Uint8Array(Buffer.concat([Buffer.from(directory === "" ? "" : `${directory}/`, "latin1"), name])));
}

/**
 * A child that carries out a plan and becomes its program. Returns its pid, or -errno; it may still be at it. It cannot be made
 * in a control group: only libc's own fork sees to it that no other thread's lock stays locked in the child.
 */
export function become(plan: Uint8Array, group: number): number {
  if (group >= 0) return -ENOSYS;
  const words = new Float64Array(plan.buffer);
  // What is needed in the child is there before it.
  const [count, status, argv, environment, script] = [COUNT, STATUS, ARGV, ENVIRONMENT, SCRIPT].map((index) => words[index] ?? 0);
  const name = stringAt(words[NAME] ?? 0);
  const files = candidates(name, stringAt(words[PATH] ?? 0));
  const addresses = files.map(addressOf);
  const cells = BigUint64Array.from(addresses.map(BigInt));
  const [cellsAt, toldAt, shell] = [files.length === 0 ? 0 : Number(ptr(cells)), Number(ptr(told)), wordAt(script ?? 0)];
  const shown = new TextDecoder().decode(name.subarray(0, Math.min(256, name.length - 1)));
  const [missing, refused] = [cstringOf(`${shown}: command not found\n`), cstringOf(`${shown}: cannot be executed\n`)] as const;
  const [missingAt, refusedAt] = [addressOf(missing), addressOf(refused)];
  const pid = call(Call.fork, 0, 0, 0);
  if (pid !== 0) return pid;
  const rule = carryOutWords(words, count ?? 0, status ?? 0, toldAt);
  let error = rule === 0 ? ENOENT : stopped;
  for (let i = 0; rule === 0 && i < addresses.length; i++) {
    let tried = -call(Call.execve, addresses[i] ?? 0, argv ?? 0, environment ?? 0);
    if (tried === ENOEXEC) {
      call(Call.memcpy, (script ?? 0) + 8, cellsAt + i * 8, 8);
      tried = -call(Call.execve, shell, script ?? 0, environment ?? 0);
    }
    if (isMissing(tried)) continue;
    error = tried;
    if (tried !== EACCES) break;
  }
  if (rule === 0 && isMissing(error)) {
    call(Call.write, STDERR, missingAt, missing.length - 1);
    call(Call._exit, 127, 0, 0);
  }
  if (rule === 0 && !isOutOfMeans(error)) {
    call(Call.write, STDERR, refusedAt, refused.length - 1);
    call(Call._exit, 126, 0, 0);
  }
  tell(status ?? 0, toldAt, rule === 0 ? EXECUTE : rule, error);
  call(Call._exit, 127, 0, 0);
  return 0;
}

const MADV_DOFORK = 11;

/**
 * Prepares the process for fork(2). JavaScriptCore excludes its code region from children (MADV_DONTFORK), in which the
 * child would crash at its first instruction.
 */
export function prepareFork(): void {
  // What a child calls is compiled before there is one: compiling makes objects.
  isMissing(0);
  isOutOfMeans(0);
  carryOut(new Uint8Array(STEPS * 8));
  tell(-1, Number(ptr(told)), ANY, 0);
  for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rwxp/.exec(line);
    if (match === null) continue;
    const start = parseInt(match[1] ?? "0", 16);
    call(Call.madvise, start, parseInt(match[2] ?? "0", 16) - start, MADV_DOFORK);
  }
}
