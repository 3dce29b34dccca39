// The programs under measurement: how each is started, and how much memory it holds.

import { existsSync, readlinkSync, rmSync } from "node:fs";
import * as proc from "../test/proc.ts";

export const CLIENT = "build/bench/client";
export const NATIVE = "dist/mote-x86_64";
export const BUN = process.execPath;

export const HOSTS = ["floor", "native", "bun"] as const;
export type Host = (typeof HOSTS)[number];

/** The command line that serves a Unix socket: the agent on one of its hosts, or the floor of that name. */
export function serve(host: Host, floor: string, socket: string): string[] {
  if (host === "floor") return [`build/bench/floor-${floor}`, socket];
  const listen = ["--listen", `unix:${socket}`];
  return host === "native" ? [NATIVE, ...listen] : [BUN, "agent.ts", ...listen];
}

/** A CPython process holding the stdlib modules such an agent needs, asleep in accept. */
export function pythonAsleep(interpreter: string, socket: string): string[] {
  const program = [
    "import socket, selectors, subprocess, json, threading, sys",
    "s = socket.socket(socket.AF_UNIX)",
    "s.bind(sys.argv[1])",
    "s.listen(128)",
    "s.accept()",
  ];
  return [interpreter, "-c", program.join("\n"), socket];
}

/** The real interpreter behind `python3`, or null where there is none. */
export function findPython(): string | null {
  if (Bun.which("python3") === null) return null;
  const asked = Bun.spawnSync(["python3", "-c", "import sys; print(sys.executable)"]);
  const path = asked.stdout.toString().trim();
  return asked.exitCode === 0 && path !== "" ? path : null;
}

/** Prefixes a command so that it and its children stay on one CPU; null leaves the scheduler free. */
export function pinned(cpu: string | null, command: string[]): string[] {
  return cpu === null ? command : ["taskset", "-c", cpu, ...command];
}

/** A started program. The owner calls stop(). */
export class Server {
  private readonly child: Bun.Subprocess;

  private constructor(child: Bun.Subprocess) {
    this.child = child;
  }

  /** Starts a command; where a socket is named, resolves once it is bound. Throws if the program ends before. */
  static async start(command: string[], socket: string | null): Promise<Server> {
    if (socket !== null) rmSync(socket, { force: true });
    const child = Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    for (let waited = 0; socket !== null && !existsSync(socket); waited += 5) {
      if (child.exitCode !== null || waited > 10_000) throw new Error(`does not listen: ${command.join(" ")}`);
      await Bun.sleep(5);
    }
    await Bun.sleep(50);
    return new Server(child);
  }

  /** Asks the program to end, and after two seconds makes it. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const impatient = setTimeout(() => this.child.kill("SIGKILL"), 2000);
    await this.child.exited;
    clearTimeout(impatient);
  }

  /** How the program ended by itself, in words; empty while it runs. */
  get end(): string {
    const { exitCode, signalCode } = this.child;
    return signalCode !== null ? `; its server ended by ${signalCode}` : exitCode !== null ? `; its server exited ${exitCode}` : "";
  }

  get pid(): number {
    return this.child.pid;
  }

  memory(): Memory {
    return memoryOf(this.child.pid);
  }
}

/** Waits until something takes connections at an address. */
export async function answers(host: string, port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      (await Bun.connect({ hostname: host, port, socket: { data() {} } })).end();
      return;
    } catch (error) {
      if (tries === 500) throw error;
      await Bun.sleep(10);
    }
  }
}

/** Resident memory in kB of 1,024 bytes: all of it, and the part that no file backs. */
export interface Memory {
  readonly rss: number;
  readonly anonymous: number;
}

/** The memory of a process and the descendants that run the same program. */
function memoryOf(pid: number): Memory {
  const own = proc.memory(pid);
  let rss = own.rss / 1024;
  let anonymous = own.anonymous / 1024;
  for (const child of proc.children(pid)) {
    if (program(child) !== program(pid)) continue;
    const of = memoryOf(child);
    rss += of.rss;
    anonymous += of.anonymous;
  }
  return { rss, anonymous };
}

function program(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

/** Runs the client to its end and returns the numbers it prints. Throws what the client says when it fails. */
export function measure(cpu: string | null, args: string[]): Map<string, number> {
  const ran = Bun.spawnSync(pinned(cpu, [CLIENT, ...args]));
  if (ran.exitCode !== 0) throw new Error(`client ${args.join(" ")}: ${ran.stderr.toString().trim()}`);
  return numbersOf(ran.stdout.toString());
}

/** The same, calling `meanwhile` every 100 ms as long as the client runs. */
export async function measureWhile(args: string[], meanwhile: () => void): Promise<Map<string, number>> {
  const client = Bun.spawn([CLIENT, ...args], { stdout: "pipe", stderr: "inherit" });
  while (client.exitCode === null) {
    meanwhile();
    await Bun.sleep(100);
  }
  if (client.exitCode !== 0) throw new Error(`client ${args.join(" ")} failed`);
  return numbersOf(await new Response(client.stdout).text());
}

function numbersOf(json: string): Map<string, number> {
  const printed: unknown = JSON.parse(json);
  const numbers = new Map<string, number>();
  if (typeof printed === "object" && printed !== null) {
    for (const [key, value] of Object.entries(printed)) if (typeof value === "number") numbers.set(key, value);
  }
  return numbers;
}
