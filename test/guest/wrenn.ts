// A guest as Wrenn's host boots it: its command line, its network, and a root on a disk.

import { Client } from "../rpc/client.ts";
import { until } from "../until.ts";
import { linkOn } from "./disk.ts";
import { Guest, type GuestOptions } from "./guest.ts";
import { diskCopy, diskLoader } from "./images.ts";
import { microvm } from "./machine.ts";

const init = "/usr/local/bin/wrenn-init";

/** Where envd serves. */
export const envdPort = 49983;

export const wrennSubnet = {
  guest: "169.254.0.21",
  options: ",net=169.254.0.20/30,host=169.254.0.22,dhcpstart=169.254.0.21,dns=169.254.0.23",
};

/** The host's words, but for those about its kernel's log. */
export const wrennParameters: readonly string[] = [
  "reboot=k", "pci=off", "clocksource=kvm-clock", `init=${init}`,
  "ip=169.254.0.21::169.254.0.22:255.255.255.252:capsule:eth0:off",
];

/** A root for one guest. */
export function wrennDisk(directory: string): string {
  const disk = diskCopy(directory);
  linkOn(disk, init, "mote");
  return disk;
}

/** A guest whose envd the host reaches. */
function wrennGuest(disk: string, parameters: readonly string[]): GuestOptions {
  return {
    initramfs: diskLoader(init, "rw"),
    machine: microvm,
    disks: [disk],
    subnet: wrennSubnet,
    port: envdPort,
    parameters: [...wrennParameters, ...parameters],
  };
}

/** Such a guest, and its host's side. */
export class WrennGuest {
  private constructor(
    readonly guest: Guest,
    readonly port: number,
  ) {}

  /** The console shows when things happen, by the guest's clock, which is not that of the day. */
  static async boot(root: string, saved?: string, parameters: readonly string[] = []): Promise<WrennGuest> {
    const options = wrennGuest(root, ["loglevel=7", "printk.devkmsg=on", ...parameters]);
    const guest = Guest.boot(saved === undefined ? options : { ...options, saved });
    return new WrennGuest(guest, await guest.port());
  }

  /**
   * Waits until envd answers. Gives no request up: what QEMU could not deliver it would deliver again, long after, and a
   * `/health` behind a preparation is the word of a host that is back.
   */
  async ready(): Promise<void> {
    await this.guest.console.line(/the guest is up/);
    await until("envd answers", 120, async () => {
      if (!this.guest.isRunning) throw new Error(`QEMU ended:\n${this.guest.console.tail()}`);
      const response = await this.fetch("/health").catch(() => undefined);
      return response?.status === 200 && (await response.text()).includes("version");
    });
  }

  get client(): Client {
    return new Client(this.port, "json");
  }

  /** On a connection of its own. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers: { ...init.headers, Connection: "close" } });
  }

  /** The status of a response; a body is sent as JSON. */
  async status(method: string, path: string, body?: object): Promise<number> {
    const response = await this.fetch(path, { method, body: JSON.stringify(body) });
    await response.arrayBuffer();
    return response.status;
  }

  /** The milliseconds of a line of the kernel's log, which has come or is to come. */
  async when(text: RegExp): Promise<number> {
    return milliseconds(await this.guest.console.line(text));
  }

  /** What a command prints on standard output, which must end with exit code 0. */
  async output(script: string): Promise<string> {
    const { stdout, stderr, end } = await this.client.run(script, { user: "root" });
    if (end?.exitCode !== 0 || stderr.length > 0) throw new Error(`${script}: ${end?.status ?? "no end"}: ${stderr.toString()}`);
    return stdout.toString();
  }

  /** How far the guest's time of day is behind this machine's at least, and at most; milliseconds. */
  async lag(): Promise<readonly [number, number]> {
    const before = Date.now();
    // What the shell's date tells has no fraction; a file's time has.
    const [, day, time] = /^(\S+) (\d\d:\d\d:\d\d\.\d{3})\d* \+0000$/m.exec(await this.output(": >/tmp/now; stat -c %y /tmp/now")) ?? [];
    const guest = Date.parse(`${day}T${time}Z`);
    return [before - guest, Date.now() - guest];
  }
}

/** The time of a line of the kernel's log. */
export function milliseconds(line: string): number {
  const seconds = /^\[ *(\d+\.\d+)\] /.exec(line)?.[1];
  if (seconds === undefined) throw new Error(`no time: ${line}`);
  return Number(seconds) * 1000;
}
