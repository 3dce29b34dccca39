/** Mounts, and the table of them; mount(2), proc_pid_mountinfo(5). */
import { addressOf, call, call6 } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check } from "./errno.ts";
import { statFileSystem } from "./space.ts";
import { readText } from "./text.ts";

/** Flags of mount(2), to be added up. */
export const enum MountFlag {
  NONE = 0,
  READ_ONLY = 1,
  NOSUID = 2,
  NODEV = 4,
  NOEXEC = 8,
}

const MS_REMOUNT = 32;
const MNT_DETACH = 2;
/** The most that is read of the table: some ten thousand mounts. */
const TABLE_MAX = 4 * 1024 * 1024;

/** statfs.f_type of procfs, statfs(2). */
export const PROC_MAGIC = 0x9fa0;

/** Mounts a file system that has no device; `data` are its options, "" for none. Throws SysError. */
export function mount(type: string, target: string, flags: number, data: string): void {
  const typeName = cstring(type);
  const targetName = cstring(target);
  const options = cstring(data);
  const optionsAddress = data === "" ? 0 : addressOf(options);
  const source = addressOf(typeName);
  const result = call6(Call.mount, source, addressOf(targetName), addressOf(typeName), flags, optionsAddress, 0);
  check(result, "mount", target);
}

/** Changes the flags of a mount, and whether its file system is read-only. Throws SysError. */
export function remount(target: string, flags: number): void {
  const name = cstring(target);
  check(call6(Call.mount, 0, addressOf(name), 0, flags + MS_REMOUNT, 0, 0), "remount", target);
}

/** umount2(2); `isLazy`: out of sight now, unmounted once nobody uses it. Throws SysError. */
export function unmount(target: string, isLazy: boolean): void {
  const name = cstring(target);
  check(call(Call.umount2, addressOf(name), isLazy ? MNT_DETACH : 0, 0), "umount", target);
}

/** The magic number of the file system that a path lies in, statfs(2). Throws SysError. */
export function fileSystemType(path: string): number {
  return statFileSystem(path).type;
}

/** A line of mountinfo. */
export class MountEntry {
  readonly id: number;
  /** The id of the mount that this one lies in; -1 where that is out of sight. */
  parent = -1;
  readonly target: string;
  readonly type: string;
  /** Of this mount, separated by commas. */
  readonly options: string;
  /** Of the file system. */
  readonly superOptions: string;

  constructor(id: number, target: string, type: string, options: string, superOptions: string) {
    this.id = id;
    this.target = target;
    this.type = type;
    this.options = options;
    this.superOptions = superOptions;
  }

  /** Whether nothing can be written through this mount. */
  get isReadOnly(): boolean {
    return hasOption(this.options, "ro") || hasOption(this.superOptions, "ro");
  }

  /** The flags that a remount has to name again in order to keep them. */
  get flags(): number {
    let flags: number = MountFlag.NONE;
    if (hasOption(this.options, "nosuid")) flags += MountFlag.NOSUID;
    if (hasOption(this.options, "nodev")) flags += MountFlag.NODEV;
    if (hasOption(this.options, "noexec")) flags += MountFlag.NOEXEC;
    return flags;
  }
}

function hasOption(options: string, option: string): boolean {
  return options.split(",").includes(option);
}

/** The mounts of this process's namespace. */
export class MountTable {
  /** In the order of the kernel's list. */
  readonly entries: MountEntry[];

  constructor(entries: MountEntry[]) {
    this.entries = entries;
  }

  /** Throws SysError where /proc is not there. */
  static read(): MountTable {
    return MountTable.parse(readText("/proc/self/mountinfo", TABLE_MAX));
  }

  /** Lines that are none of mountinfo are skipped. */
  static parse(text: string): MountTable {
    const entries: MountEntry[] = [];
    const ids = new Set<number>();
    for (const line of text.split("\n")) {
      const entry = parseEntry(line);
      if (entry === undefined) continue;
      entries.push(entry);
      ids.add(entry.id);
    }
    // The root of an initramfs is its own parent; that of a chroot is not listed.
    for (const entry of entries) {
      if (entry.parent === entry.id || !ids.has(entry.parent)) entry.parent = -1;
    }
    return new MountTable(entries);
  }

  /** The mount that is seen at a path; undefined where none is, or only hidden ones. */
  at(target: string): MountEntry | undefined {
    // As the kernel resolves the path: from mount to the nearest mount inside it.
    let current: MountEntry | undefined;
    for (let depth = 0; depth <= this.entries.length; depth++) {
      const next = this.nearest(current?.id ?? -1, target);
      if (next === undefined) break;
      current = next;
    }
    return current !== undefined && current.target === target ? current : undefined;
  }

  /** Of the mounts that lie directly in one, the first on the way to a path. */
  private nearest(parent: number, target: string): MountEntry | undefined {
    let found: MountEntry | undefined;
    for (const entry of this.entries) {
      if (entry.parent !== parent || !isWithin(target, entry.target)) continue;
      if (found === undefined || entry.target.length < found.target.length) found = entry;
    }
    return found;
  }
}

/** Whether a path is a directory or something below it. */
function isWithin(path: string, directory: string): boolean {
  if (directory === "/" || path === directory) return true;
  return path.startsWith(`${directory}/`);
}

/** `36 35 98:0 /root /target rw,noatime master:1 - ext3 /dev/root rw,errors=continue` */
function parseEntry(line: string): MountEntry | undefined {
  const fields = line.split(" ");
  const separator = fields.indexOf("-", 6);
  if (separator < 0) return undefined;
  const target = fields.at(4) ?? "";
  const options = fields.at(5) ?? "";
  const type = fields.at(separator + 1) ?? "";
  const superOptions = fields.at(separator + 3) ?? "";
  const entry = new MountEntry(Number(fields.at(0)), unescape(target), unescape(type), options, superOptions);
  entry.parent = Number(fields.at(1));
  return Number.isInteger(entry.id) && Number.isInteger(entry.parent) ? entry : undefined;
}

/** Octal escapes such as \040, in which the kernel writes white space and backslashes. */
function unescape(field: string): string {
  let out = "";
  let start = 0;
  for (let at = field.indexOf("\\"); at >= 0; at = field.indexOf("\\", start)) {
    out += field.slice(start, at);
    const code = octal(field.slice(at + 1, at + 4));
    out += code < 0 ? "\\" : String.fromCharCode(code);
    start = code < 0 ? at + 1 : at + 4;
  }
  return out + field.slice(start);
}

/** The number that three octal digits are, up to 127; -1 for anything else. */
function octal(digits: string): number {
  if (digits.length !== 3) return -1;
  let value = 0;
  for (const digit of digits) {
    const index = "01234567".indexOf(digit);
    if (index < 0) return -1;
    value = value * 8 + index;
  }
  return value < 128 ? value : -1;
}
