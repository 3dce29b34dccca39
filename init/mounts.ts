/** The file systems of a machine that has just started, and the directories in them; lifecycle.md 1.3. */
import { Errno, SysError } from "../sys/errno.ts";
import { opens, realPath, stat } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { mount, MountFlag, MountTable, remount } from "../sys/mount.ts";
import { changeMode, makeCharacterDevice, makeDirectory } from "../sys/node.ts";
import { type Settings, TmpKind } from "./settings.ts";

/** For all to write, and each to remove what is his own. */
const SHARED = 0o1777;
const PUBLIC = 0o755;

/** A file system that belongs at a place. */
export class MountRow {
  readonly target: string;
  readonly type: string;
  /** MountFlag bits. */
  readonly flags: number;
  readonly options: string;
  /** Whether a kernel that does not know the options mounts it without. */
  readonly isBare: boolean;

  constructor(target: string, type: string, flags: number, options: string, isBare: boolean) {
    this.target = target;
    this.type = type;
    this.flags = flags;
    this.options = options;
    this.isBare = isBare;
  }
}

const SYSTEM = MountFlag.NOSUID + MountFlag.NODEV + MountFlag.NOEXEC;
/** Without noexec: compilers at run time and installers run from there. */
const WRITABLE = MountFlag.NOSUID + MountFlag.NODEV;

function procRow(): MountRow {
  return new MountRow("/proc", "proc", SYSTEM, "", false);
}

function devRow(): MountRow {
  return new MountRow("/dev", "devtmpfs", MountFlag.NOSUID, "mode=0755", false);
}

/** Without its options, /dev/pts/ptmx is of use to root alone, and a terminal belongs to the group of its user. */
function restRows(): MountRow[] {
  return [
    new MountRow("/sys", "sysfs", SYSTEM, "", false),
    new MountRow("/dev/pts", "devpts", MountFlag.NOSUID + MountFlag.NOEXEC, "gid=5,mode=620,ptmxmode=666", false),
    new MountRow("/dev/shm", "tmpfs", WRITABLE, "mode=1777", false),
    new MountRow("/run", "tmpfs", WRITABLE, "mode=0755", false),
    new MountRow("/sys/fs/cgroup", "cgroup2", SYSTEM, "nsdelegate,memory_recursiveprot", true),
    new MountRow("/dev/mqueue", "mqueue", SYSTEM, "", false),
  ];
}

/** What a /dev without devtmpfs has to have. */
class DeviceRow {
  readonly name: string;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;

  constructor(name: string, mode: number, major: number, minor: number) {
    this.name = name;
    this.mode = mode;
    this.major = major;
    this.minor = minor;
  }
}

/** The numbers are those of the kernel's Documentation/admin-guide/devices.txt. */
function deviceRows(): DeviceRow[] {
  return [
    new DeviceRow("null", 0o666, 1, 3),
    new DeviceRow("zero", 0o666, 1, 5),
    new DeviceRow("full", 0o666, 1, 7),
    new DeviceRow("random", 0o666, 1, 8),
    new DeviceRow("urandom", 0o666, 1, 9),
    new DeviceRow("tty", 0o666, 5, 0),
    new DeviceRow("console", 0o600, 5, 1),
    new DeviceRow("ptmx", 0o666, 5, 2),
  ];
}

/**
 * Mounts what is not mounted yet. Whatever fails is kept for `report`, as there is no log before /proc and perhaps /dev
 * are there, and everything else is done all the same.
 */
export class Mounts {
  private table: MountTable | undefined;
  private readonly failures: SysError[] = [];
  private mounted = 0;
  private refused = 0;

  /** /proc, before anything is known. It is opened, not asked for its kind: a process opens files in any case. */
  mountProc(): void {
    if (!opens("/proc/self")) this.mount(procRow());
  }

  /** /dev, whatever the table of mounts says, which there may be none of. */
  mountDev(): void {
    if (!isMountPoint("/dev")) this.mount(devRow());
  }

  /** The root writable, where it is to be, and all other file systems and directories. */
  mountRest(settings: Settings): void {
    this.readTable();
    if (!settings.isRootReadOnly) this.openRoot();
    this.mountDev();
    for (const row of restRows()) this.mount(row);
    this.prepareTmp(settings);
    this.addDirectory("/run/lock", SHARED);
    this.addDirectory("/var/log", PUBLIC);
    // sshd refuses to start without it.
    if (isThere("/usr/sbin/sshd")) this.addDirectory("/run/sshd", PUBLIC);
  }

  /** Logs what failed since the last report; in one line, where nothing may be mounted at all and all else follows. */
  report(): void {
    const isForbidden = this.mounted === 0 && this.refused > 1;
    if (isForbidden) log(Level.WARN, "may not mount anything here; going on with what is there");
    for (const failure of this.failures) {
      if (!isForbidden) log(Level.WARN, failure.describe());
    }
    this.failures.length = 0;
  }

  /** Mounts a file system, unless something is mounted there already: a second one would hide what the first holds. */
  mount(row: MountRow): void {
    if (this.isTaken(row.target)) return;
    try {
      this.mountRow(row);
      this.mounted++;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.keep(error);
    }
  }

  private mountRow(row: MountRow): void {
    try {
      mount(row.type, row.target, row.flags, row.options);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === Errno.ENOENT && makeDirectory(row.target, PUBLIC)) this.mountRow(row);
      else if (error.errno === Errno.EINVAL && row.isBare) mount(row.type, row.target, row.flags, "");
      else if (error.errno === Errno.ENODEV && row.type === "devtmpfs") this.mountPlainDev(row);
      else throw error;
    }
  }

  /** Mounts a /dev as a kernel without devtmpfs can have it. Throws SysError where it cannot be mounted. */
  mountPlainDev(row: MountRow): void {
    mount("tmpfs", row.target, row.flags, row.options);
    for (const device of deviceRows()) {
      const path = `${row.target}/${device.name}`;
      this.attempt(() => makeCharacterDevice(path, device.mode, device.major, device.minor));
    }
  }

  /**
   * Whether anything is mounted at a place: what is wanted, or something else on purpose. Without a /proc to ask, nothing
   * is: better a /run too many than none.
   */
  private isTaken(target: string): boolean {
    try {
      return this.table?.at(realPath(target)) !== undefined;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return false; // it is not even there
    }
  }

  private readTable(): void {
    try {
      this.table = MountTable.read();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.table = undefined; // that /proc cannot be mounted is known already
    }
  }

  /** Makes the root writable. */
  private openRoot(): void {
    const root = this.table?.at("/");
    if (root !== undefined && !root.isReadOnly) return;
    this.attempt(() => {
      remount("/", root?.flags ?? MountFlag.NONE);
      this.mounted++;
    });
  }

  private prepareTmp(settings: Settings): void {
    if (settings.tmp === TmpKind.UNTOUCHED || this.isTaken("/tmp")) return;
    if (settings.tmp === TmpKind.DISK) {
      this.addDirectory("/tmp", SHARED);
      return;
    }
    const size = settings.tmpSize === "" ? "" : `,size=${settings.tmpSize}`;
    this.mount(new MountRow("/tmp", "tmpfs", WRITABLE, `mode=1777${size}`, false));
  }

  /** Makes sure of a directory and its mode; the umask has no say. */
  private addDirectory(path: string, mode: number): void {
    this.attempt(() => {
      const isNew = makeDirectory(path, mode);
      if (isNew || mode === SHARED) changeMode(path, mode);
    });
  }

  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.keep(error);
    }
  }

  private keep(error: SysError): void {
    if (isRefusal(error)) this.refused++;
    this.failures.push(error);
  }
}

function isRefusal(error: SysError): boolean {
  return error.errno === Errno.EPERM && (error.call === "mount" || error.call === "remount");
}

/** Whether another file system is mounted on a directory of the root: cheaper than the table, which comes later. */
function isMountPoint(path: string): boolean {
  try {
    return stat(path).device !== stat("/").device;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

function isThere(path: string): boolean {
  try {
    stat(path);
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}
