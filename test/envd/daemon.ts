// A running agent that serves envd's protocol on a loopback port, in a mount namespace of its own: users `root` and `user`,
// fresh homes, its own /etc/hosts and run directories. What it does to files is looked at through /proc/PID/root.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { host } from "../host.ts";
import { LogFile } from "../log-file.ts";
import { freePort } from "../port.ts";
import * as proc from "../proc.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";

export interface DaemonOptions {
  /** Arguments beside the address, such as `--isnotfc`, which is given when absent. */
  readonly args?: readonly string[];
  /** Shell commands in the mount namespace before the agent starts; $DIR is the test's own directory. */
  readonly setup?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program that executes the agent, such as `setpriv --bounding-set=-sys_time`. */
  readonly launcher?: readonly string[];
  /** In a network namespace of its own too, reached by a Unix socket. */
  readonly isIsolated?: boolean;
  /** Under a supervisor, as it starts by default; otherwise one process, easy to observe. */
  readonly isSupervised?: boolean;
}

const passwd = "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n";
const group = "root:x:0:\nuser:x:1000:\nextra:x:2000:user\n";
const hosts = "127.0.0.1 localhost\n# kept\n";

// $1: the test's directory; then the command.
const script = `
set -e
export DIR=$1; shift
mount --make-rprivate /
mount -t tmpfs -o mode=0755 home /home
mkdir -m 0755 /home/user; chown 1000:1000 /home/user
mount -t tmpfs -o mode=0700 root /root
mount -t tmpfs -o mode=0755 run /run
mount -t tmpfs -o mode=1777 srv /srv
# Whom this machine trusts is not for a test to change.
if [ -d /etc/ssl/certs ]; then mount -t tmpfs certs /etc/ssl/certs; touch /etc/ssl/certs/ca-certificates.crt; fi
mount -t tmpfs share /usr/local/share
for name in passwd group hosts; do mount --bind $DIR/$name /etc/$name; done
eval "$SETUP"
unset SETUP
cd /
# The clock is this machine's, and so is the network, unless the test or the launcher has one of its own.
dropped=-sys_time
[ "$HAS_LAUNCHER" = yes ] || [ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/1/ns/net)" ] || dropped=$dropped,-net_admin
unset HAS_LAUNCHER
exec setpriv --bounding-set $dropped "$@"
`;

export class Daemon {
  readonly directory = scratchDirectory();
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}`;
  /** Of a daemon with a network of its own. */
  readonly socket: string | undefined;
  readonly #child: Bun.Subprocess<"ignore", number, number>;
  readonly #log = new LogFile();
  readonly exited: Promise<number>;

  private constructor(options: DaemonOptions) {
    writeFileSync(join(this.directory, "passwd"), passwd);
    writeFileSync(join(this.directory, "group"), group);
    writeFileSync(join(this.directory, "hosts"), hosts);
    mkdirSync(join(this.directory, "files"), { mode: 0o777 });
    this.socket = options.isIsolated === true ? join(this.directory, "envd.sock") : undefined;
    const address = this.socket === undefined ? `tcp:127.0.0.1:${this.port}` : `unix:${this.socket}`;
    const mode = options.isSupervised === true ? [] : ["--no-supervise"];
    const args = options.args ?? ["--isnotfc"];
    this.#child = Bun.spawn({
      cmd: [
        "unshare", "--mount", ...(this.socket === undefined ? [] : ["--net"]), "bash", "-c", script, "bash", this.directory,
        ...(options.launcher ?? []), ...host.command, ...mode, "--envd", address,
        // This machine may be in Firecracker itself, and its metadata service is nobody's business here.
        "--mmds", "off", ...args,
      ],
      env: { PATH: process.env.PATH, HOME: "/root", SETUP: options.setup ?? "", HAS_LAUNCHER: options.launcher === undefined ? "no" : "yes", ...options.env },
      stdio: ["ignore", this.#log.fd, this.#log.fd],
    });
    this.exited = this.#child.exited;
  }

  static async start(options: DaemonOptions = {}): Promise<Daemon> {
    const daemon = new Daemon(options);
    try {
      await until("the daemon listens", 20, () => {
        if (daemon.#child.exitCode !== null) throw new Error(`it exited with ${daemon.#child.exitCode}: ${daemon.stderr}`);
        return daemon.stderr.includes("listening on ");
      });
    } catch (error) {
      await daemon.dispose();
      throw new Error(`not ready; it said: ${daemon.stderr}`, { cause: error });
    }
    return daemon;
  }

  /** Runs `body` with a daemon of its own. */
  static async with(options: DaemonOptions, body: (daemon: Daemon) => Promise<void>): Promise<void> {
    const daemon = await Daemon.start(options);
    try {
      await body(daemon);
    } finally {
      await daemon.dispose();
    }
  }

  /** The agent: every launcher has executed the next. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What has been written to standard output and standard error so far. */
  get stderr(): string {
    return this.#log.text;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Where a path of the daemon's is, seen from the tests. */
  inside(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  read(path: string): Buffer {
    return readFileSync(this.inside(path));
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, this.socket === undefined ? init : { ...init, unix: this.socket });
  }

  /** POST /init: an object as JSON, a text as it is, nothing without a body. */
  init(body?: object | string, headers: Record<string, string> = {}): Promise<Response> {
    const isObject = typeof body === "object";
    const type: Record<string, string> = isObject ? { "content-type": "application/json" } : {};
    return this.fetch("/init", { method: "POST", body: isObject ? JSON.stringify(body) : body, headers: { ...type, ...headers } });
  }

  /** GET /envs. */
  async envs(token?: string): Promise<Record<string, string>> {
    const response = await this.fetch("/envs", token === undefined ? {} : { headers: { "x-access-token": token } });
    if (response.status !== 200) throw new Error(`/envs: ${response.status}`);
    return (await response.json()) as Record<string, string>;
  }

  memory(): proc.Memory {
    return proc.memory(this.pid);
  }

  descriptors(): number {
    return proc.descriptors(this.pid);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async dispose(): Promise<void> {
    this.kill("SIGKILL");
    await this.exited;
    this.#log.close();
    remove(this.directory);
  }
}
