// A daemon in a network namespace of its own: `eth0`, 10.9.9.9/24, a pair with a device in another namespace, and `other`.
// Requests are made by curl inside.

import { freePort } from "../port.ts";
import { Daemon, type DaemonOptions } from "./daemon.ts";

const network = `
ip link set lo up
ip link add eth0 type veth peer name outside
ip link add other type veth peer name another
ip address add 10.9.9.9/24 dev eth0
ip address add 10.9.8.9/24 dev other
ip link set eth0 up
ip link set outside up
ip link set other up
ip link set another up
exec "$@"
`;

export class NetworkDaemon {
  readonly #port: number;
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon, port: number) {
    this.#daemon = daemon;
    this.#port = port;
  }

  static async with(options: DaemonOptions, body: (daemon: NetworkDaemon) => Promise<void>): Promise<void> {
    const port = freePort();
    const args = [...(options.args ?? ["--isnotfc"]), "--envd", `tcp:0.0.0.0:${port}`];
    const launcher = ["unshare", "--net", "bash", "-ec", network, "bash"];
    await Daemon.with({ ...options, args, launcher }, (daemon) => body(new NetworkDaemon(daemon, port)));
  }

  /** What a command says that is run in the daemon's network. */
  run(...words: readonly string[]): string {
    return output(["nsenter", "-t", `${this.#daemon.pid}`, "--net", ...words]);
  }

  ip(words: string): string {
    return this.run("ip", ...words.split(" "));
  }

  /** The status that a request over loopback is answered with. */
  curl(path: string, ...words: readonly string[]): string {
    return this.curlAt("127.0.0.1", path, ...words);
  }

  /** The same, at another address of the daemon's. */
  curlAt(address: string, path: string, ...words: readonly string[]): string {
    return this.run(...request, "%{http_code}", ...words, `http://${address}:${this.#port}${path}`);
  }

  /** What a response says of the connection. */
  connectionField(): string {
    return this.run(...request, "%header{connection}", `http://127.0.0.1:${this.#port}/nope`);
  }

  /** The same from the other end of eth0, 10.9.9.1 in a namespace that it is the only device of. */
  async curlFromOutside(path: string, ...words: readonly string[]): Promise<string> {
    const cmd = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo there; exec sleep 600"];
    const holder = Bun.spawn({ cmd, stdio: ["ignore", "pipe", "ignore"] });
    try {
      await holder.stdout.getReader().read();
      this.ip(`link set outside netns ${holder.pid}`);
      const outside = ["nsenter", "-t", `${holder.pid}`, "--net"];
      output([...outside, "ip", "address", "add", "10.9.9.1/24", "dev", "outside"]);
      output([...outside, "ip", "link", "set", "outside", "up"]);
      return output([...outside, ...request, "%{http_code}", ...words, `http://10.9.9.9:${this.#port}${path}`]);
    } finally {
      holder.kill("SIGKILL");
      await holder.exited;
    }
  }
}

const request = ["curl", "-sS", "-m", "30", "-o", "/dev/null", "-w"] as const;

function output(cmd: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...cmd]);
  if (exitCode !== 0) throw new Error(`${cmd.join(" ")}: ${stderr.toString()}`);
  return stdout.toString().trim();
}
