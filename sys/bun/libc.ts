/** libc through bun:ffi: the functions of calls.ts, and the memory that they are given. */
import { dlopen, FFIType, ptr, read } from "bun:ffi";
import { Call } from "../calls.ts";

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
const { __errno_location, dlsym } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: FFIType.ptr },
  dlsym: { args: [word, word], returns: word },
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

const cell = new BigUint64Array(1);
const cellBytes = new Uint8Array(cell.buffer);

/** Reads the word at an address. */
export function wordAt(address: number): number {
  call(Call.memcpy, addressOf(cellBytes), address, 8);
  return Number(cell[0]);
}

/** A NULL-terminated vector of addresses. */
export function vectorOf(addresses: number[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from([...addresses, 0].map(BigInt)).buffer);
}

/** A C string; the caller keeps it. */
export function cstringOf(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
