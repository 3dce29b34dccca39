// motectl on each of its hosts, started as a user starts it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "bun:test";
import { Agent } from "../agent.ts";

const root = join(import.meta.dir, "../..");
/** The agent that the tests talk to. */
export const nativeAgent = join(root, "dist/mote-x86_64");
const nativeProgram = join(root, "dist/motectl-x86_64");

export interface Result {
  /** Undefined where a signal ended it. */
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface CallOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Uint8Array | Bun.BunFile;
  readonly cwd?: string;
}

/** One build of motectl. */
export class Program {
  constructor(
    readonly name: string,
    readonly command: readonly string[],
  ) {}

  get isNative(): boolean {
    return this.name !== "bun";
  }

  /** Starts it, for a test that looks at it while it works. Its outputs are pipes. */
  start(args: readonly string[], options: CallOptions = {}): Bun.Subprocess<"ignore" | Uint8Array | Bun.BunFile, "pipe", "pipe"> {
    return Bun.spawn({
      cmd: [...this.command, ...args],
      env: { ...process.env, MOTE_ADDRESS: "", ...options.env },
      cwd: options.cwd ?? root,
      stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
    });
  }

  /** Runs it to its end. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<Result> {
    return await ending(this.start(args, options));
  }

  /** The command as one line for a shell. */
  shell(args: readonly string[]): string {
    return [...this.command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  }

  /** Runs a script of bash in which `motectl` is this program. */
  async script(text: string, options: CallOptions = {}): Promise<Result> {
    const child = Bun.spawn({
      cmd: ["bash", "-c", `motectl() { ${this.shell([])} "$@"; }\n${text}`],
      env: { ...process.env, MOTE_ADDRESS: "", ...options.env },
      cwd: options.cwd ?? root,
      stdio: [options.stdin ?? "ignore", "pipe", "pipe"],
    });
    return await ending(child);
  }
}

/** Waits for the end of a process and takes what it wrote. */
export async function ending(child: Bun.Subprocess<Bun.Spawn.Writable, "pipe", "pipe">): Promise<Result> {
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text()]);
  await child.exited;
  return {
    code: child.exitCode ?? undefined,
    signal: typeof child.signalCode === "string" ? child.signalCode : undefined,
    stdout: Buffer.from(stdout),
    stderr,
  };
}

const programs = [
  new Program("bun", [process.execPath, join(root, "ctl/motectl.ts")]),
  new Program("x86_64", [nativeProgram]),
];

/** Declares the same tests for every build. */
export function onEachHost(declare: (motectl: Program) => void): void {
  describe.each(programs.map((program) => [program.name, program] as const))("motectl on %s", (_, program) => declare(program));
}

/** An agent that serves the tests of a file. */
export async function startAgent(): Promise<Agent> {
  for (const path of [nativeAgent, nativeProgram]) {
    if (!existsSync(path)) throw new Error(`${path} is missing; build it with ./build.sh x86_64 and ./build.sh ctl`);
  }
  return await Agent.start({ command: [nativeAgent] });
}
