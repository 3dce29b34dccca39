/** The guest's network at boot: loopback, then eth0, then the files that go with it; lifecycle.md 1.6. */
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { findProgram, isExecutable } from "../sys/file.ts";
import { NetworkInterface } from "../sys/interface.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { killGroup } from "../sys/process.ts";
import { Timer } from "../sys/timer.ts";
import { followHardwareClock } from "./clock-sync.ts";
import { updateHosts } from "./hosts.ts";
import { IpParameter } from "./ip.ts";
import type { Milestones } from "./milestones.ts";
import type { Reaper } from "./reaper.ts";
import { updateResolver } from "./resolv.ts";
import { exitText, Services } from "./services.ts";

const DEVICE_WAIT_MS = 2000;
const DEVICE_POLL_MS = 20;
const PROGRAM_LIMIT_MS = 15000;
const DEFAULT_DEVICE = "eth0";
const HOSTS = "/etc/hosts";
const RESOLVER = "/etc/resolv.conf";
const KERNEL_RESOLVER = "/proc/net/pnp";
const SCRIPT = "/etc/smolvm/network.sh";

/** What a guest's network and services are to be. All addresses are dotted quads; an empty text is none. */
export class NetworkConfig {
  /** What follows `ip=`; undefined where it is not given. */
  ip: string | undefined = undefined;
  /** `smolvm.network=guest`: a program of the guest's configures it. */
  isGuest = false;
  /** What a profile takes where neither is given. */
  address = "";
  mask = "";
  gateway = "";
  nameServers: string[] = [];
  hostName = "";
  /** `smolvm.authorized_key_b64=`. */
  authorizedKey = "";
  /** Whether sshd is started where the image has one. */
  servesSsh = false;
  /** Whether the system's clock may be set. */
  setsClock = false;
  /** The commands of `mote.exec=`. */
  commands: string[] = [];
}

/** Does a step; a failure is a line in the log, and false. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `network: ${error.describe()}`);
    return false;
  }
}

/** Brings lo up; the kernel adds 127.0.0.1/8 and ::1/128 itself. A failure is a line in the log. */
export function bringUpLoopback(): void {
  attempt(() => {
    const loopback = NetworkInterface.open("lo");
    try {
      loopback.bringUp();
    } finally {
      loopback.close();
    }
  });
}

/** The programs that configure a device by themselves, those that are there: the next is tried where one fails. */
function networkPrograms(device: string, hasDevice: boolean): string[][] {
  if (isExecutable(SCRIPT)) return [[SCRIPT, device]];
  const programs: string[][] = [];
  if (!hasDevice) return programs;
  const ifup = findProgram("ifup");
  if (ifup !== "") programs.push([ifup, device]);
  const udhcpc = findProgram("udhcpc");
  if (udhcpc !== "") programs.push([udhcpc, "-i", device]);
  const dhclient = findProgram("dhclient");
  if (dhclient !== "") programs.push([dhclient, device]);
  return programs;
}

/** Steps 10 and 11 of the start, lifecycle.md 1.2: one after the other on the loop, which never waits for any. */
export class NetworkSetup {
  private readonly loop: Loop;
  private readonly reaper: Reaper;
  private readonly config: NetworkConfig;
  private readonly milestones: Milestones;
  private readonly environment: number;
  private readonly output: number;
  private readonly onDone: () => void;
  private readonly poll = new Timer(() => this.awaitDevice());
  private readonly limit = new Timer(() => this.expire());
  private device = DEFAULT_DEVICE;
  private isGuest = false;
  private address = "";
  private mask = "";
  private gateway = "";
  private nameServers: string[] = [];
  /** When to stop waiting for the device; monotonic. */
  private deadline = 0;
  private programs: string[][] = [];
  /** The program that runs. */
  private pid = 0;
  private isSettled = false;

  /**
   * `environment` is the address of the environment vector of what is started, `output` where its output goes; both
   * stay the caller's. `onDone` is called once, when all is done and the services are started, possibly before `start`
   * returns.
   */
  constructor(
    loop: Loop,
    reaper: Reaper,
    config: NetworkConfig,
    milestones: Milestones,
    environment: number,
    output: number,
    onDone: () => void,
  ) {
    this.loop = loop;
    this.reaper = reaper;
    this.config = config;
    this.milestones = milestones;
    this.environment = environment;
    this.output = output;
    this.onDone = onDone;
  }

  start(): void {
    this.milestones.reach("net-config-start");
    this.choose();
    if (!this.isGuest && this.address === "") {
      this.settle(true);
      return;
    }
    this.deadline = monotonicNow() + DEVICE_WAIT_MS;
    this.awaitDevice();
  }

  /** What `ip=` says goes before what the profile has. */
  private choose(): void {
    const text = this.config.ip;
    const ip = text === undefined ? undefined : IpParameter.parse(text);
    if (text !== undefined && ip === undefined) log(Level.WARN, `ip=${text}: malformed`);
    this.isGuest = this.config.isGuest;
    if (ip !== undefined) {
      this.device = ip.device;
      this.nameServers = ip.nameServers;
      if (ip.isAutomatic) this.isGuest = true;
      if (ip.isOff) return;
      if (ip.client !== "") {
        this.address = ip.client;
        this.mask = ip.mask;
        this.gateway = ip.gateway;
        return;
      }
    }
    this.address = this.config.address;
    this.mask = this.config.mask;
    this.gateway = this.config.gateway;
  }

  /** The driver's module may have been loaded a moment ago. */
  private awaitDevice(): void {
    try {
      const device = NetworkInterface.open(this.device);
      try {
        if (device.exists()) this.configure(device);
        else if (monotonicNow() < this.deadline) this.loop.timers.start(this.poll, DEVICE_POLL_MS);
        else if (this.isGuest) this.runPrograms(false);
        else this.fail("no such device");
      } finally {
        device.close();
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.fail(error.describe());
    }
  }

  private configure(device: NetworkInterface): void {
    if (device.hasAddress()) {
      log(Level.INFO, `${this.device}: has an address`);
      this.settle(true);
    } else if (this.isGuest) {
      this.runPrograms(true);
    } else {
      this.settle(this.applyAddress(device));
    }
  }

  /** Each step for itself: a mask or a route that the kernel refuses costs no more. Returns whether all went well. */
  private applyAddress(device: NetworkInterface): boolean {
    let isReady = attempt(() => device.setAddress(this.address));
    if (this.mask !== "") isReady = attempt(() => device.setMask(this.mask)) && isReady;
    isReady = attempt(() => device.bringUp()) && isReady;
    if (this.gateway !== "") isReady = attempt(() => device.addDefaultRoute(this.gateway)) && isReady;
    log(Level.INFO, `${this.device}: address ${this.address} mask ${this.mask} gateway ${this.gateway}`);
    return isReady;
  }

  private runPrograms(hasDevice: boolean): void {
    this.programs = networkPrograms(this.device, hasDevice);
    if (this.programs.length === 0) {
      this.fail(hasDevice ? `no ${SCRIPT}, ifup, udhcpc or dhclient` : "no such device");
      return;
    }
    this.loop.timers.start(this.limit, PROGRAM_LIMIT_MS);
    this.runNext();
  }

  private runNext(): void {
    const argv = this.programs.at(0);
    if (argv === undefined) {
      this.fail("no program configured it");
      return;
    }
    this.programs = this.programs.slice(1);
    const path = argv.at(0) ?? "";
    this.pid = this.reaper.launch(argv, this.environment, this.output, (status) => this.onExit(path, status));
  }

  private onExit(path: string, status: number): void {
    if (this.isSettled) return;
    this.pid = 0;
    if (status === 0) {
      this.settle(true);
      return;
    }
    log(Level.WARN, `${path} ${this.device}: ${exitText(status)}`);
    try {
      this.runNext();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.fail(error.describe());
    }
  }

  private expire(): void {
    // Its status is not taken yet, so the number is still its own.
    if (this.pid > 0) killGroup(this.pid);
    this.fail(`not configured within ${PROGRAM_LIMIT_MS / 1000} s`);
  }

  private fail(reason: string): void {
    log(Level.WARN, `network, ${this.device}: ${reason}`);
    this.settle(false);
  }

  private settle(isReady: boolean): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.loop.timers.cancel(this.limit);
    this.milestones.reach("net-config-done");
    this.milestones.reach(isReady ? "net-ready" : "net-config-failed");
    updateHosts(HOSTS, this.config.hostName);
    updateResolver(RESOLVER, KERNEL_RESOLVER, this.nameServers, this.config.nameServers);
    this.milestones.reach("clock-sync-start");
    const isFollowing = this.config.setsClock && followHardwareClock(this.loop);
    this.milestones.reach(isFollowing ? "clock-sync-started" : "clock-sync-disabled");
    const services = new Services(this.reaper, this.milestones, this.environment, this.output, this.onDone);
    services.start(this.config.commands, this.config.authorizedKey, this.config.servesSsh);
  }
}
