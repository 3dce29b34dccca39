/** What the command line says to the daemon; envd-http.md 2.6. */
import { type Address, parseAddress, parseIpv4 } from "../sys/address.ts";
import { type ArgumentReader, UsageError } from "../sys/arguments.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { isFirecracker } from "../sys/firmware.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";
const SECONDS_DIGITS = 6;
/** Where Firecracker has its metadata service, unless its host has said otherwise. */
const MMDS = "169.254.169.254:80";
const SNAPSHOT_MS = 60_000;

export class EnvdOptions {
  /** Not in a microVM of Firecracker's: no metadata service, the clock is never set, no cgroups unless their root is given. */
  isOutsideFirecracker = false;
  /** Empty where none is given. */
  cgroupRoot = "";
  hasCgroups = true;
  /** Files of the groups of what is run, and what they are to say: `user/cpu.weight=100`. */
  groupSettings: string[] = [];
  /** What has been frozen for so long is thawed; milliseconds, 0 where not given. */
  thawAfter = 0;
  /** The metadata service: `auto`, `on`, `off`, or where it is; empty while nothing is said. */
  mmds = "";
  /** How long a connection may make no progress; milliseconds, 0 where not given. */
  idleLimit = 0;
  /** How long after the preparation for a snapshot no host may call before that counts as not taken; milliseconds. */
  snapshotLimit = SNAPSHOT_MS;
  /** Whether programs of the guest's own may not prepare it for a snapshot. */
  refusesOwnPrepare = false;
  /** Whether `/health` is answered with 204, as E2B's orchestrator wants it. */
  hasEmptyHealth = false;
  /** Run once at the start; empty for nothing. */
  command = "";
  /** Whether ports are forwarded: `on`, `off`, or `auto` while that is not decided. */
  forward = "auto";
  /** Where they are; empty where that is to be found. */
  forwardAddress = "";

  /** Where control groups are to be looked for; empty for nowhere. */
  get groupRoot(): string {
    if (!this.hasCgroups) return "";
    return this.cgroupRoot === "" && !this.isOutsideFirecracker ? CGROUP_ROOT : this.cgroupRoot;
  }

  /** Says of the metadata service what is usual where nothing is said; the guest of a host of envd's has one. */
  chooseMmds(usual: string, isEnvd: boolean): void {
    if (this.mmds === "") this.mmds = usual;
    if (this.mmds === "auto" && isEnvd) this.mmds = "on";
  }

  /**
   * Where the metadata service is; undefined where it is not to be asked. Outside Firecracker its address may be another
   * machine's service: unless it is told to, it asks in Firecracker alone.
   */
  get metadata(): Address | undefined {
    if (this.isOutsideFirecracker) return undefined;
    const place = this.mmds === "auto" ? (isFirecracker() ? "on" : "off") : this.mmds;
    return place === "off" ? undefined : parseAddress(`tcp:${place === "on" ? MMDS : place}`);
  }

  /** Takes an option. Returns false for one that is none of the daemon's. Throws UsageError. */
  apply(option: string, reader: ArgumentReader): boolean {
    switch (option) {
      case "--isnotfc":
        this.isOutsideFirecracker = reader.flag(option);
        return true;
      case "--cgroup-root":
        this.cgroupRoot = reader.value(option);
        return true;
      case "--no-cgroups":
        this.hasCgroups = !reader.flag(option);
        return true;
      case "--cgroup-set":
        this.groupSettings.push(checkedSetting(option, reader.value(option)));
        return true;
      case "--thaw-after":
        this.thawAfter = checkedSeconds(option, reader.value(option)) * 1000;
        return true;
      case "--mmds":
        this.mmds = checkedMmds(reader.value(option));
        return true;
      case "--idle-timeout":
        this.idleLimit = checkedSeconds(option, reader.value(option)) * 1000;
        return true;
      case "--snapshot-timeout":
        this.snapshotLimit = checkedSeconds(option, reader.value(option)) * 1000;
        return true;
      case "--prepare-from-outside":
        this.refusesOwnPrepare = reader.flag(option);
        return true;
      case "--health-204":
        this.hasEmptyHealth = reader.flag(option);
        return true;
      case "--cmd":
        this.command = reader.value(option);
        return true;
      case "--forward":
        this.forward = checkedForward(option, reader.value(option));
        return true;
      case "--forward-address":
        this.forwardAddress = checkedAddress(option, reader.value(option));
        return true;
      case "--resume-handover":
        // Of an upgrade in place, which is not offered.
        reader.flag(option);
        return true;
      default:
        return false;
    }
  }

  /**
   * Decides about ports where no option has: as `wish` says, and for `auto` they are forwarded in a microVM whose host
   * expects envd there. Elsewhere nobody is to find open to others what was meant for the machine itself.
   */
  chooseForward(wish: string, hasEnvd: boolean): void {
    if (this.forward !== "auto") return;
    this.forward = wish !== "auto" ? wish : hasEnvd && !this.isOutsideFirecracker ? "on" : "off";
  }

  /** The words that say all of it but the command, which only the first worker runs. */
  words(): string[] {
    const words = [`--mmds=${this.mmds}`];
    if (this.isOutsideFirecracker) words.push("--isnotfc");
    if (!this.hasCgroups) words.push("--no-cgroups");
    for (const setting of this.groupSettings) words.push(`--cgroup-set=${setting}`);
    if (this.thawAfter > 0) words.push(`--thaw-after=${this.thawAfter / 1000}`);
    if (this.idleLimit > 0) words.push(`--idle-timeout=${this.idleLimit / 1000}`);
    if (this.refusesOwnPrepare) words.push("--prepare-from-outside");
    if (this.hasEmptyHealth) words.push("--health-204");
    if (this.snapshotLimit !== SNAPSHOT_MS) words.push(`--snapshot-timeout=${this.snapshotLimit / 1000}`);
    if (this.cgroupRoot !== "") words.push(`--cgroup-root=${this.cgroupRoot}`);
    if (this.forward === "on") words.push("--forward=on");
    if (this.forwardAddress !== "") words.push(`--forward-address=${this.forwardAddress}`);
    return words;
  }

  commandWords(): string[] {
    return this.command === "" ? [] : [`--cmd=${this.command}`];
  }
}

function checkedSetting(option: string, text: string): string {
  const isInGroup = (text.startsWith("pty/") || text.startsWith("user/")) && !text.includes("..");
  if (!isInGroup || !text.includes("=")) throw new UsageError(`${option} ${text}: write pty/FILE=VALUE or user/FILE=VALUE`);
  return text;
}

function checkedMmds(mmds: string): string {
  if (mmds !== "auto" && mmds !== "on" && mmds !== "off") parseAddress(`tcp:${mmds}`);
  return mmds;
}

function checkedSeconds(option: string, text: string): number {
  if (!consistsOf(text, DIGITS, SECONDS_DIGITS) || Number(text) === 0) throw new UsageError(`${option} ${text}: write seconds`);
  return Number(text);
}

function checkedForward(option: string, text: string): string {
  if (text !== "on" && text !== "off" && text !== "auto") throw new UsageError(`${option} ${text}: write on, off or auto`);
  return text;
}

function checkedAddress(option: string, text: string): string {
  if (parseIpv4(text).length === 0) throw new UsageError(`${option} ${text}: write an IPv4 address`);
  return text;
}
