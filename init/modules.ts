/** The kernel modules of a virtual machine, where the kernel has them as modules; lifecycle.md 1.8. */
import { kernelRelease } from "../sys/architecture.ts";
import { type DirectoryEntry, EntryKind, listDirectory } from "../sys/directory.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { loadModule } from "../sys/module.ts";
import { readText } from "../sys/text.ts";

const SUFFIX = ".ko";
/** Bounds of the walk: a distribution's tree is six deep and has five thousand names. */
const DEPTH_MAX = 12;
const NAMES_MAX = 50000;
/** Of modules.dep, in bytes. */
const TABLE_MAX = 8 * 1024 * 1024;

/** What is loaded, each after what it needs: the bus, the control channel, the network, disks, random numbers. */
export function wantedModules(): string[] {
  return [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_mmio",
    "vsock",
    "vmw_vsock_virtio_transport_common",
    "vmw_vsock_virtio_transport",
    "vsock_loopback",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio_blk",
    "rng_core",
    "virtio_rng",
  ];
}

/** The name of the module that a file holds, compressed or not; "" for another file. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  const suffix = file.lastIndexOf(SUFFIX);
  if (suffix <= 0) return "";
  const rest = file.slice(suffix + SUFFIX.length);
  if (rest !== "" && rest !== ".gz" && rest !== ".xz" && rest !== ".zst") return "";
  return file.slice(0, suffix).split("-").join("_");
}

/**
 * The files that have to be loaded for modules, in order, as modules.dep(5) tells it: `FILE: NEEDED...`, of which the
 * last has to be loaded first. Modules that it does not know are left out.
 */
export function orderByTable(table: string, wanted: string[]): string[] {
  const lines = new Map<string, string>();
  let start = 0;
  while (start < table.length) {
    const newline = table.indexOf("\n", start);
    const end = newline < 0 ? table.length : newline;
    const colon = table.indexOf(":", start);
    if (colon >= 0 && colon < end) {
      const name = moduleName(table.slice(start, colon));
      if (wanted.includes(name)) lines.set(name, table.slice(start, end));
    }
    start = end + 1;
  }
  const order: string[] = [];
  for (const name of wanted) {
    const line = lines.get(name) ?? "";
    const colon = line.indexOf(":");
    const files = line.slice(colon + 1).split(" ").reverse();
    files.push(line.slice(0, colon < 0 ? 0 : colon));
    for (const file of files) {
      if (file !== "" && !order.includes(file)) order.push(file);
    }
  }
  return order;
}

/** The files of modules in the order in which those are named. */
export function orderByName(files: string[], wanted: string[]): string[] {
  const order: string[] = [];
  for (const name of wanted) {
    const file = files.find((candidate) => moduleName(candidate) === name);
    if (file !== undefined) order.push(file);
  }
  return order;
}

/** A walk through a tree of modules. */
class ModuleTree {
  readonly root: string;
  private readonly wanted: string[];
  /** The files of wanted modules, relative to the root. */
  readonly files: string[] = [];
  private seen = 0;

  constructor(root: string, wanted: string[]) {
    this.root = root;
    this.wanted = wanted;
  }

  /** Looks through a directory, "" for the root. Symbolic links (`build`, `source`) are left alone. Throws SysError. */
  walk(directory: string, depth: number): void {
    for (const entry of listDirectory(`${this.root}/${directory}`)) {
      this.seen++;
      if (this.seen > NAMES_MAX) return;
      this.visit(directory === "" ? entry.name : `${directory}/${entry.name}`, entry, depth);
    }
  }

  private visit(path: string, entry: DirectoryEntry, depth: number): void {
    const name = moduleName(entry.name);
    if (name !== "") {
      if (this.wanted.includes(name)) this.files.push(path);
      return;
    }
    if (entry.kind !== EntryKind.DIRECTORY && entry.kind !== EntryKind.UNKNOWN) return;
    if (depth === DEPTH_MAX) return;
    try {
      this.walk(path, depth + 1);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno !== Errno.ENOTDIR) log(Level.WARN, error.describe());
    }
  }
}

/** The files to load, in order, relative to the directory; none where it is not there. Throws SysError. */
export function planModules(directory: string): string[] {
  const wanted = wantedModules();
  try {
    return orderByTable(readText(`${directory}/modules.dep`, TABLE_MAX), wanted);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
  }
  // Packages do not carry the table: it is made where they are installed.
  const tree = new ModuleTree(directory, wanted);
  try {
    tree.walk("", 0);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
  }
  return orderByName(tree.files, wanted);
}

/** Loads what is there of the modules. What fails is logged, and the rest is done. */
export function loadModules(): void {
  const directory = `/lib/modules/${kernelRelease()}`;
  const compressed: string[] = [];
  let loaded = 0;
  try {
    for (const file of planModules(directory)) {
      if (!file.endsWith(SUFFIX)) compressed.push(file);
      else if (load(file.startsWith("/") ? file : `${directory}/${file}`)) loaded++;
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
  }
  if (loaded > 0) log(Level.INFO, `loaded ${loaded} kernel modules`);
  if (compressed.length > 0) refuse(directory, compressed);
}

function load(path: string): boolean {
  try {
    return loadModule(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
    return false;
  }
}

function refuse(directory: string, files: string[]): void {
  const more = files.length > 1 ? ` and ${files.length - 1} more` : "";
  const reason = "not loaded, being compressed: put them into the image uncompressed";
  log(Level.ERROR, `kernel modules ${directory}/${files.at(0) ?? ""}${more} are ${reason}`);
}
