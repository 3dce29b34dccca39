/** What an init is told: by its profile, and over that by the kernel's command line; lifecycle.md 1.7. */
import { type Address, parseAddress } from "../sys/address.ts";
import { UsageError } from "../sys/arguments.ts";
import { consistsOf, decimal, DIGITS } from "../sys/bytes.ts";
import type { CommandLine } from "./cmdline.ts";
import { StopWish } from "./platform.ts";
import { type Profile, profileByName, ProfileKind } from "./profile.ts";

export const enum TmpKind {
  /** A directory of the root file system, open to all. */
  DISK,
  /** A file system in memory. */
  TMPFS,
  /** Nothing is done to it. */
  UNTOUCHED,
}

/** The usual log: `setLogTarget` knows it by this name. */
export const KERNEL_LOG = "kmsg";

const PREFIX = "mote.";
const GRACE_MS = 1500;
const GRACE_DIGITS = 6;
const HOSTNAME_MAX = 64;
const HOSTNAME_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
/** The field of `ip=` that is the host's name. */
const IP_HOSTNAME = 4;
/** The kernel's levels of messages shown: up to warnings, and all of them. */
const KERNEL_WARNINGS = 5;
const KERNEL_ALL = 8;

export class Settings {
  profile: Profile;
  /** Where to listen. */
  listen: Address[] = [];
  /** The machine's name, "" for no change. */
  hostname = "";
  tmp: TmpKind;
  /** The size of a /tmp in memory, as tmpfs(5) takes it; "" for the kernel's own choice. */
  tmpSize = "";
  isRootReadOnly = false;
  /** Service lines for a shell. */
  exec: string[] = [];
  stop: StopWish = StopWish.AUTO;
  /** How long an orderly stop waits for processes, in milliseconds. */
  graceMs = GRACE_MS;
  /** Whether ctrl-alt-del is only logged. */
  isCadIgnored = false;
  /** `kmsg`, `console`, `off` or a path. */
  logTarget = KERNEL_LOG;
  /** `error`, `warn`, `info` or `debug`; "" for the default. */
  logLevel = "";
  /** `ip=`, unparsed. */
  ip: string | undefined;
  /** `smolvm.network=`: `guest`, or "". */
  network = "";
  /** `smolvm.authorized_key_b64=`, unparsed; "" for none. */
  authorizedKey = "";
  /** What the kernel was told, "" for nothing: how to restart, what to do after a panic, which PCI to look for. */
  reboot = "";
  panic = "";
  pci = "";
  /** Whether the kernel was told how to treat what is written to /dev/kmsg. */
  hasDevkmsg = false;
  /** `auto`, `on` or `off`. */
  mmds = "auto";
  forward = "auto";
  /** `auto` or `off`. */
  cgroups = "auto";
  /** A sentence for each `mote.` option that is unknown or malformed. */
  readonly warnings: string[] = [];

  constructor(profile: Profile) {
    this.profile = profile;
    this.tmp = tmpOf(profile);
  }

  /**
   * The settings of a profile with the command line laid over them: of the one that was chosen, else of the one that
   * `mote.profile=` names there, else of the usual one.
   */
  static from(chosen: Profile | undefined, usual: Profile, cmdline: CommandLine): Settings {
    const settings = new Settings(chosen ?? profileByName(cmdline.get("mote.profile") ?? "") ?? usual);
    settings.isRootReadOnly = cmdline.has("ro") && !cmdline.has("rw");
    settings.logLevel = levelOf(cmdline);
    for (const { name, value } of cmdline.parameters) {
      if (!name.startsWith(PREFIX)) {
        if (value !== undefined) settings.takeKernelOption(name, value);
      } else if (!settings.take(name.slice(PREFIX.length), value ?? "")) settings.warnings.push(warning(name, value));
    }
    if (settings.hostname === "") settings.hostname = hostnameOf(settings.ip ?? "");
    if (settings.hostname === "") settings.hostname = settings.profile.hostname;
    return settings;
  }

  /** Takes an option that is not ours alone; the last of its kind counts. */
  private takeKernelOption(name: string, value: string): void {
    if (name === "ip") this.ip = value;
    else if (name === "smolvm.network") this.network = value;
    else if (name === "smolvm.authorized_key_b64") this.authorizedKey = value;
    else if (name === "reboot") this.reboot = value;
    else if (name === "panic") this.panic = value;
    else if (name === "pci") this.pci = value;
    else if (name === "printk.devkmsg") this.hasDevkmsg = true;
  }

  /** Takes a `mote.` option. Returns false where it is unknown or malformed. */
  private take(name: string, value: string): boolean {
    switch (name) {
      case "profile":
        return profileByName(value) !== undefined;
      case "listen":
        return this.takeAddress(value);
      case "hostname":
        if (!isHostname(value)) return false;
        this.hostname = value;
        return true;
      case "tmp":
        return this.takeTmp(value);
      case "root":
        if (!isOneOf(value, "rw ro")) return false;
        this.isRootReadOnly = value === "ro";
        return true;
      case "exec":
        if (value === "") return false;
        this.exec.push(value);
        return true;
      default:
        return this.takeStop(name, value) || this.takeLog(name, value) || this.takeService(name, value);
    }
  }

  private takeAddress(text: string): boolean {
    try {
      this.listen.push(parseAddress(text));
      return true;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return false;
    }
  }

  private takeTmp(value: string): boolean {
    if (value === "disk") {
      this.tmp = TmpKind.DISK;
      return true;
    }
    const size = value.startsWith("tmpfs:") ? value.slice(6) : "";
    if (value !== "tmpfs" && !isSize(size)) return false;
    this.tmp = TmpKind.TMPFS;
    this.tmpSize = size;
    return true;
  }

  private takeStop(name: string, value: string): boolean {
    if (name === "stop" && isOneOf(value, "auto poweroff reboot")) {
      this.stop = value === "poweroff" ? StopWish.POWEROFF : value === "reboot" ? StopWish.REBOOT : StopWish.AUTO;
      return true;
    }
    if (name === "grace_ms") {
      const grace = decimal(value, GRACE_DIGITS);
      if (grace < 0) return false;
      this.graceMs = grace;
      return true;
    }
    if (name === "cad" && isOneOf(value, "stop ignore")) {
      this.isCadIgnored = value === "ignore";
      return true;
    }
    return false;
  }

  private takeLog(name: string, value: string): boolean {
    if (name === "log" && (isOneOf(value, "kmsg console off") || isPath(value))) {
      this.logTarget = value;
      return true;
    }
    if (name === "loglevel" && isOneOf(value, "error warn info debug")) {
      this.logLevel = value;
      return true;
    }
    return false;
  }

  private takeService(name: string, value: string): boolean {
    if (name === "mmds" && isOneOf(value, "auto on off")) {
      this.mmds = value;
      return true;
    }
    if (name === "forward" && isOneOf(value, "auto on off")) {
      this.forward = value;
      return true;
    }
    if (name === "cgroups" && isOneOf(value, "auto off")) {
      this.cgroups = value;
      return true;
    }
    return false;
  }
}

function warning(name: string, value: string | undefined): string {
  return `kernel command line: ${name}${value === undefined ? "" : `=${value}`}: no such option or value, ignored`;
}

function tmpOf(profile: Profile): TmpKind {
  if (profile.kind === ProfileKind.E2B) return TmpKind.UNTOUCHED;
  return profile.hasTmpfs ? TmpKind.TMPFS : TmpKind.DISK;
}

/** The level that the kernel's own words ask for; "" where they leave it. */
function levelOf(cmdline: CommandLine): string {
  if (cmdline.has("debug")) return "debug";
  if (cmdline.has("quiet")) return "warn";
  const level = decimal(cmdline.get("loglevel") ?? "", 2);
  if (level < 0) return "";
  if (level <= KERNEL_WARNINGS) return "warn";
  return level >= KERNEL_ALL ? "debug" : "";
}

/** The host's name in `ip=client:server:gateway:mask:HOST:device:...`; "" where there is none. */
function hostnameOf(ip: string): string {
  const name = ip.split(":").at(IP_HOSTNAME) ?? "";
  return name !== "off" && isHostname(name) ? name : "";
}

function isHostname(text: string): boolean {
  return consistsOf(text, HOSTNAME_ALPHABET, HOSTNAME_MAX);
}

/** A number of bytes with a suffix, or of per cents of the memory. */
function isSize(text: string): boolean {
  const last = text.slice(-1);
  const digits = last !== "" && "kKmMgG%".includes(last) ? text.slice(0, -1) : text;
  return consistsOf(digits, DIGITS, 15);
}

function isPath(text: string): boolean {
  return text.startsWith("/") && !text.includes("\0");
}

function isOneOf(text: string, words: string): boolean {
  return words.split(" ").includes(text);
}
