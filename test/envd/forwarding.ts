// A daemon that forwards ports, in a network namespace of the test's own, and what it does about a port.

import { afterEach, beforeEach, setDefaultTimeout } from "bun:test";
import { hangLimit } from "../agent.ts";
import { until } from "../until.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";
import { enter, guest, leave, listening } from "./network.ts";
import { Server, Stream } from "./stream.ts";

export const WAIT_SECONDS = 20;
export const forwarding = ["--isnotfc", "--forward=on"];

/** Has every test of a file, and the agents it starts, in a network namespace of its own. */
export function inOwnNetwork(): void {
  setDefaultTimeout(hangLimit);
  beforeEach(() => enter());
  afterEach(() => leave());
}

export function withDaemon(body: (daemon: Daemon) => Promise<void>, options: DaemonOptions = {}): Promise<void> {
  return Daemon.with({ args: forwarding, ...options }, body);
}

/** Executes a command that gets no netlink socket, as in a kernel that has none: seccomp(2) refuses it. */
export const withoutNetlink = ["python3", "-c", `
import ctypes, os, platform, struct, sys
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
program = [(0x20, 0, 0, 0), (0x15, 0, 3, number), (0x20, 0, 0, 16), (0x15, 0, 1, 16), (6, 0, 0, 0x50000 | 93), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
if ctypes.CDLL(None, use_errno=True).prctl(22, 2, head) != 0: sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])`];

/** A connection to a port at the guest's address, once it can be had. */
export async function reach(port: number): Promise<Stream> {
  let stream: Stream | undefined;
  await until(`${guest}:${port} takes connections`, WAIT_SECONDS, async () => {
    stream = await Stream.connect(guest, port).catch(() => undefined);
    return stream !== undefined;
  });
  if (stream === undefined) throw new Error("unreachable");
  return stream;
}

export const isForwarded = (daemon: Daemon, port: number): boolean => listening(daemon.pid).includes(`${guest}:${port}`);

/** Awaits that a port of the guest's address is given up. */
export function refused(daemon: Daemon, port: number): Promise<void> {
  return until(`${guest}:${port} is given up`, WAIT_SECONDS, () => !isForwarded(daemon, port));
}

/** Awaits that the agent has looked, from now on, at what listens: it has found another server. */
export async function looked(daemon: Daemon): Promise<void> {
  const server = Server.echo("127.0.0.1", 0);
  await until("the agent looks at what listens", WAIT_SECONDS, () => isForwarded(daemon, server.port));
  server.stop();
  await refused(daemon, server.port);
}
