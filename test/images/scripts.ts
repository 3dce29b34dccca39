// The two scripts of images/, run as a user runs them.

import { join } from "node:path";

export const repository = join(import.meta.dir, "../..");
/** The agent that goes into the images. */
export const agentBinary = join(repository, "dist/mote-x86_64");

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export async function run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { code: child.exitCode, stdout, stderr };
}

/** Runs what must succeed. Returns its standard output. */
export async function succeed(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, options);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** images/bake.sh with these arguments. */
export function bake(...words: string[]): Promise<Result> {
  return run([join(repository, "images/bake.sh"), ...words]);
}

/** A root of these words is refused, for the reason given, and without a shell's own complaints. */
export function refusal({ code, stderr }: Result): string {
  if (code !== 1 || stderr.includes(": line ")) throw new Error(`not refused in order (${code}): ${stderr}`);
  return stderr;
}
