/** The Bun host behind `#libc`: libc through bun:ffi. Same exports as native.ts. */
import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Call } from "./calls.ts";

const { i32, i64_fast: word } = FFIType;
const SIX_WORDS = [word, word, word, word, word, word] as const;
const INT = { args: SIX_WORDS, returns: i32 } as const;
const WORD = { args: SIX_WORDS, returns: word } as const;

/** calls.ts order. WORD rows return a ssize_t, an off_t or a pointer. */
const TABLE = {
  accept4: INT,
  adjtimex: INT,
  bind: INT,
  chdir: INT,
  chmod: INT,
  chown: INT,
  clock_gettime: INT,
  clock_settime: INT,
  close: INT,
  connect: INT,
  copy_file_range: WORD,
  dup2: INT,
  execve: INT,
  execveat: INT,
  _exit: INT,
  fchmod: INT,
  fchown: INT,
  fchownat: INT,
  fcntl: INT,
  fork: INT,
  ftruncate: INT,
  getcwd: WORD,
  getdents64: WORD,
  getenv: WORD,
  getpeername: INT,
  getpid: INT,
  getppid: INT,
  getpriority: INT,
  getrandom: WORD,
  getsockopt: INT,
  getxattr: WORD,
  gmtime_r: WORD,
  inotify_add_watch: INT,
  inotify_init1: INT,
  inotify_rm_watch: INT,
  ioctl: INT,
  kill: INT,
  lchown: INT,
  listen: INT,
  listxattr: WORD,
  madvise: INT,
  memchr: WORD,
  memcpy: WORD,
  memfd_create: INT,
  memmem: WORD,
  mkdir: INT,
  mkdirat: INT,
  mknod: INT,
  mount: INT,
  open: INT,
  openat: INT,
  pipe2: INT,
  poll: INT,
  prctl: INT,
  pread: WORD,
  prlimit: INT,
  pwrite: WORD,
  read: WORD,
  readlink: WORD,
  readlinkat: WORD,
  reboot: INT,
  recv: WORD,
  recvmsg: WORD,
  removexattr: INT,
  rename: INT,
  rmdir: INT,
  send: WORD,
  sendfile: WORD,
  sendmsg: WORD,
  sethostname: INT,
  setpriority: INT,
  setsid: INT,
  setsockopt: INT,
  setxattr: INT,
  shutdown: INT,
  sigaction: INT,
  signal: WORD,
  signalfd: INT,
  sigprocmask: INT,
  socket: INT,
  socketpair: INT,
  splice: WORD,
  statfs: INT,
  statx: INT,
  strlen: WORD,
  swapoff: INT,
  symlink: INT,
  sync: WORD,
  syscall: WORD,
  timegm: WORD,
  umask: INT,
  umount2: INT,
  uname: INT,
  unlink: INT,
  unlinkat: INT,
  utimensat: INT,
  waitid: INT,
  wmemchr: WORD,
  write: WORD,
} as const;

const functions = Object.values(dlopen("libc.so.6", TABLE).symbols);
const { __errno_location, dlsym, unsetenv } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: FFIType.ptr },
  dlsym: { args: [word, word], returns: word },
  unsetenv: { args: [word], returns: i32 },
}).symbols;

/** Calls a libc function with up to three words. Returns its result, or -errno when it failed. */
export function call(which: Call, a: number, b: number, c: number): number {
  return call6(which, a, b, c, 0, 0, 0);
}

/** Like `call`, with up to six words. */
export function call6(which: Call, a: number, b: number, c: number, d: number, e: number, f: number): number {
  const symbol = functions[which];
  if (symbol === undefined) throw new RangeError(`no such call: ${which}`);
  const result = Number(symbol(a, b, c, d, e, f));
  if (result !== -1) return result;
  // The very next call, so that nothing else has set errno.
  const errno = __errno_location();
  return errno === null ? -1 : -read.i32(errno, 0);
}

/** The address of an array's first byte. The caller keeps the array alive while C can see the address. */
export function addressOf(bytes: Uint8Array): number {
  return bytes.length === 0 ? 0 : Number(ptr(bytes));
}

/** The address of libc's `environ` vector, environ(7). */
export function environAddress(): number {
  const name = cstringOf("environ");
  return wordAt(Number(dlsym(0, addressOf(name))));
}

const argumentStrings = process.argv.slice(1).map(cstringOf);
const argumentVector = vectorOf(argumentStrings.map(addressOf));

/** The address of the argument vector: the script, then its arguments. */
export function argumentsAddress(): number {
  // Named here so that the strings live: what no function names is garbage once the module has run.
  return argumentStrings.length === 0 ? 0 : addressOf(argumentVector);
}

const commit = cstringOf("unknown");

/** The address of a C string: the commit that this was built from, of which nothing is known here. */
export function commitAddress(): number {
  return addressOf(commit);
}

/** What stands before the first of the arguments when this program is started: Bun. */
export function interpreterWords(): string[] {
  return [process.execPath];
}

const cell = new BigUint64Array(1);
const cellBytes = new Uint8Array(cell.buffer);

/** Reads the word at an address. */
function wordAt(address: number): number {
  call(Call.memcpy, addressOf(cellBytes), address, 8);
  return Number(cell[0]);
}

const SIG_SETMASK = 2;

/**
 * Settings of JavaScriptCore, given in the environment. Three keep it from using helper threads: a forked child has only
 * the thread that forked, and would wait for ever for a lock that a helper held. The last has it stop threads by a signal
 * that means nothing to an init; it unblocks that one whenever it starts, and would else take SIGPWR.
 */
const SETTINGS = [
  ["BUN_JSC_useConcurrentGC", "0"],
  ["BUN_JSC_useConcurrentJIT", "0"],
  ["BUN_JSC_numberOfGCMarkers", "1"],
  ["JSC_SIGNAL_FOR_GC", "50"],
] as const;

/**
 * Makes every thread of the process leave the given signals (a kernel sigset of 128 bytes) to signalfd(2), and block no
 * others.
 *
 * Bun's own threads, which are there before this code runs, do not block them: such a thread would take the signal and
 * its default action. A mask survives execve(2), so the process blocks the signals and starts itself over once, before
 * it has done anything; and since it does, with settings under which fork(2) is safe.
 */
export function ownSignals(set: Uint8Array): void {
  const before = new Uint8Array(128);
  call(Call.sigprocmask, SIG_SETMASK, addressOf(set), addressOf(before));
  const isBlocked = set.every((bits, index) => ((before[index] ?? 0) & bits) === bits);
  if (isBlocked && SETTINGS.every(([name, value]) => process.env[name] === value)) {
    // Not for children.
    for (const [name] of SETTINGS) unsetenv(addressOf(cstringOf(name)));
    return;
  }
  const commandLine = new Uint8Array(readFileSync("/proc/self/cmdline"));
  const argv: number[] = [];
  for (let start = 0; start < commandLine.length; start = commandLine.indexOf(0, start) + 1) {
    argv.push(addressOf(commandLine) + start);
  }
  const settings = SETTINGS.map(([name, value]) => cstringOf(`${name}=${value}`));
  const environment = settings.map(addressOf);
  for (let at = environAddress(); wordAt(at) !== 0; at += 8) environment.push(wordAt(at));
  keepInherited();
  const self = cstringOf("/proc/self/exe");
  const argvVector = vectorOf(argv);
  const environmentVector = vectorOf(environment);
  call(Call.execve, addressOf(self), addressOf(argvVector), addressOf(environmentVector));
}

const F_SETFD = 2;

/**
 * Bun marks every descriptor from 4 on close-on-exec when it starts. What was handed to this program is sockets and memory
 * files, of which Bun has none of its own yet: they are to outlive the start-over.
 */
function keepInherited(): void {
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    if (fd > 2 && /^(socket:|\/memfd:)/.test(targetOf(fd))) call(Call.fcntl, fd, F_SETFD, 0);
  }
}

function targetOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // the descriptor that the directory was read through
  }
}

/** A NULL-terminated vector of addresses. */
function vectorOf(addresses: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from([...addresses, 0].map(BigInt)).buffer);
}

function cstringOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

// The plan of a child, as plan.ts has it, and become.c carries it out natively.
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
  const words = new Float64Array(plan.buffer);
  return carryOutWords(words, words[COUNT] ?? 0, words[STATUS] ?? 0, Number(ptr(told)));
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
  carryOutWords(new Float64Array(STEPS), 0, -1, 0);
  tell(-1, Number(ptr(told)), ANY, 0);
  for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rwxp/.exec(line);
    if (match === null) continue;
    const start = parseInt(match[1] ?? "0", 16);
    call(Call.madvise, start, parseInt(match[2] ?? "0", 16) - start, MADV_DOFORK);
  }
}

/** Nothing here: Bun has handlers of its own, and no way to make one that only executes a program. */
export function guard(_vector: number): void {}

/** poll(2), before which the pages of program code go back to the kernel. Bun's are its own affair. */
export function pollShrunk(fds: number, count: number, timeout: number): number {
  return call(Call.poll, fds, count, timeout);
}
