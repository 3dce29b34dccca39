// A network namespace of the test's own, which the test's process itself is in between `enter` and `leave`: what it opens,
// and what it starts, is there. Nothing but loopback and a pair of interfaces that leads nowhere exists in it.

import { dlopen } from "bun:ffi";
import { closeSync, openSync, readFileSync } from "node:fs";

const { symbols: libc } = dlopen("libc.so.6", {
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
});

const CLONE_NEWNET = 0x40000000;

/** The guest's address, as Wrenn's and E2B's hosts give it. */
export const guest = "169.254.0.21";

let outside = -1;

/** Runs a shell command where the test is. */
export function shell(command: string): void {
  const ran = Bun.spawnSync(["/bin/sh", "-ec", command], { stderr: "pipe" });
  if (ran.exitCode !== 0) throw new Error(`${command}: ${ran.stderr.toString()}`);
}

/** Enters a new namespace. `hasAddress`: the guest's address is there from the start. */
export function enter(hasAddress = true): void {
  const before = openSync("/proc/thread-self/ns/net", "r");
  // Of the one thread that runs this, and that opens every socket.
  if (libc.unshare(CLONE_NEWNET) !== 0) throw new Error("unshare failed: run as root");
  if (outside < 0) outside = before;
  else closeSync(before);
  shell("ip link set lo up; ip link add guest0 type veth peer name peer0; ip link set guest0 up; ip link set peer0 up");
  if (hasAddress) addAddress();
}

export function addAddress(): void {
  shell(`ip addr add ${guest}/30 dev guest0`);
}

/** Goes back to where the process began. */
export function leave(): void {
  if (outside < 0) return;
  if (libc.setns(outside, CLONE_NEWNET) !== 0) throw new Error("setns failed");
  closeSync(outside);
  outside = -1;
}

interface Row {
  /** ADDRESS:PORT. */
  readonly local: string;
  readonly isListening: boolean;
  /** Bytes received that nobody has read. */
  readonly unread: number;
}

/** IPv4 sockets in a process's namespace. */
function rows(pid: number): Row[] {
  const lines = readFileSync(`/proc/${pid}/net/tcp`, "latin1").split("\n").slice(1);
  return lines.flatMap((line) => {
    const [, local = "", , state, queues = ""] = line.trim().split(/\s+/);
    const bytes = /^(..)(..)(..)(..):(....)$/.exec(local)?.slice(1).map((digits) => Number.parseInt(digits, 16));
    if (bytes === undefined) return [];
    const unread = Number.parseInt(queues.split(":")[1] ?? "", 16);
    return [{ local: `${bytes.slice(0, 4).reverse().join(".")}:${bytes[4]}`, isListening: state === "0A", unread }];
  });
}

/** IPv4 sockets that listen in a process's namespace, as ADDRESS:PORT. */
export function listening(pid: number): string[] {
  return rows(pid).flatMap(({ local, isListening }) => (isListening ? [local] : []));
}

/** Bytes that wait at connections to a port of a process's namespace. */
export function unread(pid: number, local: string): number {
  return rows(pid).reduce((sum, row) => (row.local === local && !row.isListening ? sum + row.unread : sum), 0);
}
