// The agent as PID 1 of namespaces of its own: mount, PID, network, UTS, IPC and cgroup. Its root is an overlay over this
// machine's, so that it finds every program and may write everywhere; its /dev holds a few nodes and no more, because
// devtmpfs would be this machine's own.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./client.ts";
import { host } from "./host.ts";
import { LogFile } from "./log-file.ts";
import * as proc from "./proc.ts";
import { remove, scratchDirectory } from "./scratch.ts";
import { until } from "./until.ts";

export interface NamespaceOptions {
  /** Arguments of the agent; a Unix socket in the shared directory when absent. */
  readonly args?: readonly string[];
  /** What PID 1 is called by, which chooses the profile. Bun takes no such name: there it becomes --profile. */
  readonly name?: string;
  /** What /proc/cmdline says. */
  readonly commandLine?: string;
  /** Shell commands inside the namespaces, the root being $ROOT, before the agent starts. */
  readonly setup?: string;
  /** A program that executes the agent, such as `setpriv --bounding-set -sys_admin`. */
  readonly launcher?: readonly string[];
  /** Leave /proc for the agent to mount: it reads this machine's command line then. */
  readonly hasNoProc?: boolean;
  /** Ready lines to wait for. */
  readonly listeners?: number;
}

const root = join(import.meta.dir, "..");
/** Where the shared directory is, seen from inside. */
export const inside = "/mnt/test";
/** Where the repository is, seen from inside: wherever it lies outside, nothing is mounted over it here. */
const repositoryInside = "/mnt/mote";

/** A word of the agent's command as it is inside. */
function wordInside(word: string): string {
  return word.startsWith(`${root}/`) ? repositoryInside + word.slice(root.length) : word;
}

const profiles: Readonly<Record<string, string>> = {
  "wrenn-init": "wrenn", "/usr/local/bin/wrenn-init": "wrenn", "smolvm-guest-agent": "smolvm", envd: "wrenn", "/usr/bin/envd": "e2b",
};

// $1: the shared directory; then the command. What is in memory lies in a directory of the test's own.
const script = `
set -e
shared=$1 name=$2; shift 2
mount --make-rprivate /
scratch=$shared/scratch
mount -t tmpfs -o mode=0755 scratch $scratch
mkdir $scratch/upper $scratch/work $scratch/root
mount -t overlay -o lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work overlay $scratch/root
export ROOT=$scratch/root
mkdir -p $ROOT${repositoryInside} $ROOT${inside}
mount --bind "$REPOSITORY" $ROOT${repositoryInside}
mount --bind $shared $ROOT${inside}
mount -t tmpfs -o mode=0755 dev $ROOT/dev
mknod -m 666 $ROOT/dev/null c 1 3
mknod -m 666 $ROOT/dev/zero c 1 5
mknod -m 666 $ROOT/dev/random c 1 8
mknod -m 666 $ROOT/dev/urandom c 1 9
if [ "$HAS_PROC" = yes ]; then
  mount -t proc proc $ROOT/proc
  mount --bind $shared/cmdline $ROOT/proc/cmdline
  # What is this machine's, not the namespaces'.
  mount --bind -o ro $ROOT/proc/sys $ROOT/proc/sys
  mount -o remount,bind,ro $ROOT/proc/sys
  [ ! -e $ROOT/proc/sysrq-trigger ] || mount --bind /dev/null $ROOT/proc/sysrq-trigger
fi
eval "$SETUP"
unset SETUP HAS_PROC REPOSITORY
cd $ROOT
exec chroot . "\${LAUNCHER[@]}" bash -c 'cd /; name=$0; exec -a "$name" "$@"' "$name" "$@"
`;

/** A PID 1 that is ready. */
export class Namespace {
  /** Seen from outside; inside it is /mnt/test. */
  readonly directory = scratchDirectory();
  readonly client = new Client({ unix: join(this.directory, "agent.sock") });
  readonly #unshare: Bun.Subprocess<"ignore", number, number>;
  readonly #log = new LogFile();

  private constructor(options: NamespaceOptions) {
    // The control groups of version 2 are this machine's.
    writeFileSync(join(this.directory, "cmdline"), `${options.commandLine ?? "mote.cgroups=off"}\n`);
    const name = options.name ?? "init";
    const isNative = host.command.length === 1;
    const command = host.command.map(wordInside);
    const program = command[0] ?? "";
    const profile = isNative ? [] : ["--profile", profiles[name] ?? "generic"];
    const launcher = (options.launcher ?? []).map((word) => `'${word}'`).join(" ");
    const args = options.args ?? ["--listen", `unix:${inside}/agent.sock`];
    const shell = script.replace(`"\${LAUNCHER[@]}"`, launcher);
    mkdirSync(this.path("scratch"));
    this.#unshare = Bun.spawn({
      cmd: [
        // With the tests it ends, however they do.
        "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--uts", "--ipc", "--cgroup",
        "bash", "-c", shell, "bash", this.directory, isNative ? name : program, ...command, ...profile, ...args,
      ],
      env: {
        PATH: process.env.PATH, SETUP: options.setup ?? "", HAS_PROC: options.hasNoProc === true ? "no" : "yes", REPOSITORY: root,
      },
      stdio: ["ignore", this.#log.fd, this.#log.fd],
    });
  }

  /** Starts the agent and waits until it serves, or, where it was given arguments, listens. */
  static async start(options: NamespaceOptions = {}): Promise<Namespace> {
    const namespace = new Namespace(options);
    const listeners = options.listeners ?? 1;
    try {
      await until("PID 1 is ready", 20, () => {
        if (namespace.isOver) throw new Error(`PID 1 is gone: ${namespace.stderr}`);
        return namespace.stderr.split("listening on ").length > listeners;
      });
      // It listens before the machine is ready, and serves once it is.
      if (options.args === undefined) await namespace.client.ping();
    } catch (error) {
      await namespace.dispose();
      throw new Error(`not ready; it said: ${namespace.stderr}`, { cause: error });
    }
    return namespace;
  }

  /** Runs `body` with a PID 1 of its own. */
  static async with(options: NamespaceOptions, body: (namespace: Namespace) => Promise<void>): Promise<void> {
    const namespace = await Namespace.start(options);
    try {
      await body(namespace);
    } finally {
      await namespace.dispose();
    }
  }

  /** What has been written to standard output and standard error so far. */
  get stderr(): string {
    return this.#log.text;
  }

  get isOver(): boolean {
    return this.#unshare.exitCode !== null || this.#unshare.signalCode !== null;
  }

  /** PID 1, as this machine numbers it. */
  get pid(): number {
    const pid = proc.children(this.#unshare.pid)[0];
    if (pid === undefined) throw new Error(`PID 1 is gone: ${this.stderr}`);
    return pid;
  }

  /** The processes of the worker, as this machine numbers them: one, where all is well. */
  workers(): number[] {
    return proc.children(this.pid).filter((pid) => proc.commandLine(pid).includes("--worker"));
  }

  /** The worker that answers. A command that has not executed anything yet looks like one too. */
  async worker(): Promise<number> {
    const answer = (await this.client.run("echo $PPID")).stdout.toString().trim();
    const pid = proc.children(this.pid).find((child) => proc.statusLine(child, "NSpid").split("\t").at(-1) === answer);
    if (pid === undefined) throw new Error("it has answered and is gone");
    return pid;
  }

  /** Every process of the PID namespace, as this machine numbers them. */
  processes(): number[] {
    const own = proc.pidNamespace(this.pid);
    return proc.pids().filter((pid) => proc.pidNamespace(pid) === own);
  }

  /** Whether nothing runs but PID 1 and its worker. */
  get isIdle(): boolean {
    return this.processes().length === 2;
  }

  /** Runs a shell command inside, past the agent. */
  async enter(command: string): Promise<string> {
    const target = String(this.pid);
    const child = Bun.spawn({
      cmd: ["nsenter", "--target", target, "--mount", "--pid", "--net", "--uts", "--ipc", "--root", "--wd", "/bin/sh", "-c", command],
      env: { PATH: process.env.PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(`${command}: ${err}`);
    return out;
  }

  /** A file inside. */
  read(path: string): string {
    return readFileSync(`/proc/${this.pid}/root${path}`, "utf8");
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** How PID 1 ended: the signal, which in a namespace stands for a kind of reboot(2), or the exit code. */
  async ended(): Promise<string | number> {
    await this.#unshare.exited;
    return this.#unshare.signalCode ?? this.#unshare.exitCode ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async dispose(): Promise<void> {
    this.#unshare.kill("SIGKILL");
    await this.#unshare.exited;
    this.#log.close();
    remove(this.directory);
  }
}
