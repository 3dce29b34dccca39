/** What the kernel says of the memory, proc_meminfo(5); in bytes. */
import { readText } from "../sys/text.ts";

const PATH = "/proc/meminfo";
const MAX_BYTES = 65_536;

export class MemoryInfo {
  private readonly text: string;

  /** As it is now. Throws SysError. */
  constructor() {
    this.text = `\n${readText(PATH, MAX_BYTES)}`;
  }

  /** -1 where the kernel does not tell. */
  get(name: string): number {
    const start = this.text.indexOf(`\n${name}:`);
    if (start < 0) return -1;
    const from = start + name.length + 2;
    return parseInt(this.text.slice(from, from + 32).trim(), 10) * 1024;
  }

  get cache(): number {
    return Math.max(this.get("Cached"), 0) + Math.max(this.get("SReclaimable"), 0);
  }

  get available(): number {
    const available = this.get("MemAvailable");
    if (available >= 0) return available;
    // Before Linux 3.14.
    return this.get("MemFree") + this.get("Buffers") + this.cache - Math.max(this.get("Shmem"), 0);
  }
}
