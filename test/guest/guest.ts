// A guest booted by QEMU's emulation. No packet of it leaves loopback: its network is QEMU's own, restricted, and the
// one port into it is bound to 127.0.0.1.

import { closeSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, lastReply } from "../client.ts";
import { remove, scratchDirectory } from "../scratch.ts";
import { until } from "../until.ts";
import { request } from "../wire.ts";
import { Console } from "./console.ts";
import { aligned } from "./cpio.ts";
import { arch, prepared, usual, type Machine } from "./machine.ts";
import { Monitor } from "./qmp.ts";

/** Milliseconds after which a test in a guest that hangs is ended; not a measure of speed. */
export const hangLimit = 180_000;

/** The port of the guest that the host reaches. */
export const guestPort = 7000;

/** A network of QEMU's, in which the guest has one address. */
export interface Subnet {
  readonly guest: string;
  /** For QEMU's `-netdev user`, where it is not that network's usual one. */
  readonly options: string;
}

const usualSubnet: Subnet = { guest: "10.0.2.15", options: "" };

export interface GuestOptions {
  /** In MB; 256 when absent. */
  readonly memory?: number;
  /** Archives of the initramfs, each laid over those before. */
  readonly initramfs: readonly Uint8Array[];
  /** Kernel parameters beside those of the machine. */
  readonly parameters?: readonly string[];
  readonly machine?: Machine;
  readonly subnet?: Subnet;
  /** Raw disk images: /dev/vda, /dev/vdb... */
  readonly disks?: readonly string[];
  /** Further ports of the guest that the host reaches. */
  readonly servers?: readonly number[];
  /** The port of the guest that the host reaches; `guestPort` when absent. */
  readonly port?: number;
  /** What `save` has written, of a guest with the same options: it goes on from there when it is told to. */
  readonly saved?: string;
  /** Whether a reboot ends QEMU; true when absent. */
  readonly endsAtReboot?: boolean;
}

export class Guest {
  readonly directory = scratchDirectory();
  readonly console: Console;
  readonly exited: Promise<number>;
  readonly #child: Bun.Subprocess<"ignore", number, "pipe">;
  readonly #complaints: Promise<string>;
  readonly #port: number;
  #monitor: Monitor | undefined;

  private constructor(options: GuestOptions) {
    this.#port = options.port ?? guestPort;
    const machine = options.machine ?? usual[arch];
    const initramfs = join(this.directory, "initramfs");
    writeFileSync(initramfs, Buffer.concat(options.initramfs.map(aligned)));
    this.console = new Console(join(this.directory, "console"));
    this.#child = Bun.spawn({
      // QEMU must not outlive a test run that is killed.
      cmd: ["setpriv", "--pdeathsig", "KILL", ...machine.qemu, ...this.#arguments(options, machine, initramfs)],
      stdio: ["ignore", this.console.input, "pipe"],
    });
    this.exited = this.#child.exited;
    closeSync(this.console.input);
    this.#complaints = new Response(this.#child.stderr).text();
  }

  /** Starts QEMU. Whoever has a guest disposes of it. */
  static boot(options: GuestOptions): Guest {
    return new Guest(options);
  }

  /** QEMU's exit code, awaited without an end: a test's own limit is one. */
  async ending(): Promise<number> {
    const code = await this.exited;
    await this.console.ended;
    const complaints = await this.#complaints;
    if (complaints !== "") throw new Error(`QEMU: ${complaints}`);
    return code;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** A client of the agent's TCP port, once it answers there. */
  async client(): Promise<Client> {
    // The network is not up before the agent has made it so, and QEMU takes connections all the time.
    const client = new Client({ hostname: "127.0.0.1", port: await this.port() });
    try {
      await until("the agent answers over TCP", 120, () => {
        if (!this.isRunning) throw new Error("QEMU ended");
        return answers(client, 1000);
      });
      return client;
    } catch (error) {
      throw new Error(`no agent in the guest; its console:\n${this.console.tail()}`, { cause: error });
    }
  }

  async monitor(): Promise<Monitor> {
    this.#monitor ??= await this.#connectMonitor();
    return this.#monitor;
  }

  /** Presses ctrl-alt-del. */
  async pressCtrlAltDelete(): Promise<void> {
    await (await this.monitor()).human("sendkey ctrl-alt-delete");
  }

  /** Stops it, and writes its memory and the state of its devices into a file. Its disks are as they are then. */
  async save(path: string): Promise<void> {
    const monitor = await this.monitor();
    await monitor.execute("stop");
    await monitor.execute("migrate", { uri: `exec:cat >${path}` });
    await until("all of it is saved", 60, async () => {
      const status = await monitor.status("query-migrate");
      if (status === "failed") throw new Error("QEMU failed to save the guest");
      return status === "completed";
    });
  }

  /** Waits until it is what was saved, stopped as it was then. */
  async loaded(): Promise<void> {
    const monitor = await this.monitor();
    await until("what was saved is there", 60, async () => (await monitor.status("query-status")) === "paused");
  }

  /** Has a stopped one go on. */
  async goOn(): Promise<void> {
    await (await this.monitor()).execute("cont");
  }

  /** Ends it by force where it still runs. */
  async dispose(): Promise<void> {
    if (process.env.MOTE_GUEST_CONSOLE !== undefined) console.error(this.console.lines.join("\n"));
    this.#monitor?.close();
    this.#child.kill("SIGKILL");
    await this.exited;
    await this.console.ended;
    remove(this.directory);
  }

  get #monitorPath(): string {
    return join(this.directory, "monitor");
  }

  async #connectMonitor(): Promise<Monitor> {
    let monitor: Monitor | undefined;
    await until("QEMU opens its monitor", 20, async () => {
      if (!this.isRunning) throw new Error(`QEMU ended: ${await this.#complaints}`);
      monitor = await Monitor.connect(this.#monitorPath).catch(() => undefined);
      return monitor !== undefined;
    });
    if (monitor === undefined) throw new Error("QEMU has no monitor");
    return monitor;
  }

  /** The host's port that leads to one of the guest: one that the host's kernel chose. */
  async port(ofGuest = this.#port): Promise<number> {
    const text = await (await this.monitor()).human("info usernet");
    const forwards = text.matchAll(/TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)/g);
    for (const [, port, inside] of forwards) if (Number(inside) === ofGuest) return Number(port);
    throw new Error(`QEMU forwards no port to ${ofGuest}: ${text}`);
  }

  #arguments(options: GuestOptions, machine: Machine, initramfs: string): string[] {
    const device = (name: string, rest: string): string[] => ["-device", `virtio-${name}-${machine.bus},${rest}`];
    const disks = (options.disks ?? []).flatMap((path, index) => [
      ...["-drive", `file=${path},format=raw,if=none,id=disk${index}`],
      ...device("blk", `drive=disk${index}`),
    ]);
    const subnet = options.subnet ?? usualSubnet;
    const forwards = [this.#port, ...(options.servers ?? [])].map((port) => `,hostfwd=tcp:127.0.0.1:0-${subnet.guest}:${port}`).join("");
    const rom = machine.bus === "pci" ? ",romfile=" : "";
    return [
      ...["-accel", "tcg", "-m", String(options.memory ?? 256), "-nodefaults", "-no-user-config", "-display", "none"],
      ...(options.endsAtReboot === false ? [] : ["-no-reboot"]),
      ...["-serial", "stdio", "-qmp", `unix:${this.#monitorPath},server=on,wait=off`],
      ...["-netdev", `user,id=net,restrict=on${subnet.options}${forwards}`],
      ...device("net", `netdev=net${rom}`),
      ...disks,
      ...(options.saved === undefined ? [] : ["-incoming", `exec:cat ${options.saved}`]),
      ...["-kernel", prepared("vmlinuz"), "-initrd", initramfs],
      ...["-append", [...machine.parameters, ...(options.parameters ?? [])].join(" ")],
    ];
  }
}

/** Whether a ping is answered within some milliseconds. */
async function answers(client: Client, limit: number): Promise<boolean> {
  const peer = await client.connect().catch(() => undefined);
  if (peer === undefined) return false;
  const timer = setTimeout(() => peer.abort(), limit);
  try {
    await peer.send(request({ op: "ping", v: 1 }));
    return (await lastReply(peer)).object.op === "pong";
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    peer.abort();
  }
}
