// Executes a program in a process for which something of the kernel does not exist, as in a kernel built without it or
// older than it: without.ts WHAT PROGRAM [ARGUMENT...]. A seccomp filter lets the system call fail.

import { dlopen, ptr } from "bun:ffi";

const { symbols: libc } = dlopen("libc.so.6", {
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  execvp: { args: ["u64", "ptr"], returns: "i32" },
});

/** One instruction of a classic BPF program. */
function instruction(code: number, ifTrue: number, ifFalse: number, k: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(k, 4);
  return bytes;
}

const loadWord = 0x20;
const jumpIfEqual = 0x15;
const answer = 0x06;
const callNumber = 0; // seccomp_data.nr
const firstArgument = 16; // seccomp_data.args[0], lower half
const allow = instruction(answer, 0, 0, 0x7fff_0000); // SECCOMP_RET_ALLOW
const fail = (errno: number): Buffer => instruction(answer, 0, 0, 0x0005_0000 | errno); // SECCOMP_RET_ERRNO
const socketCall = process.arch === "x64" ? 41 : 198;

const programs: Record<string, readonly Buffer[]> = {
  vsock: [
    instruction(loadWord, 0, 0, callNumber),
    instruction(jumpIfEqual, 0, 3, socketCall),
    instruction(loadWord, 0, 0, firstArgument),
    instruction(jumpIfEqual, 0, 1, 40), // AF_VSOCK
    fail(97), // EAFNOSUPPORT
    allow,
  ],
  pidfd: [
    instruction(loadWord, 0, 0, callNumber),
    instruction(jumpIfEqual, 0, 1, 434), // pidfd_open
    fail(38), // ENOSYS
    allow,
  ],
};

const [what, ...command] = process.argv.slice(2);
const program = Buffer.concat(programs[what ?? ""] ?? []);
if (program.length === 0) throw new Error(`${what}: choose one of ${Object.keys(programs).join(", ")}`);

const filter = Buffer.alloc(16);
filter.writeUInt16LE(program.length / 8, 0);
filter.writeBigUInt64LE(BigInt(ptr(program)), 8);

const words = command.map((word) => Buffer.from(`${word}\0`));
const argv = new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]);

libc.prctl(38 /* PR_SET_NO_NEW_PRIVS */, 1, 0, 0, 0);
if (libc.prctl(22 /* PR_SET_SECCOMP */, 2, ptr(filter), 0, 0) !== 0) throw new Error("this kernel refuses a seccomp filter");
libc.execvp(argv[0] ?? 0n, ptr(argv));
throw new Error(`cannot execute ${command[0]}`);
