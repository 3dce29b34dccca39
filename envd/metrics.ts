/** GET /metrics; envd-http.md 5.2. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { JsonValue } from "../json/value.ts";
import { SysError } from "../sys/errno.ts";
import { statFileSystem } from "../sys/space.ts";
import { readText } from "../sys/text.ts";
import { CpuUsage } from "./cpu-usage.ts";
import { replyEmpty, replyJson } from "./reply.ts";

const MEMORY_PATH = "/proc/meminfo";
const MAX_BYTES = 65_536;
const MIB = 1_048_576;

/** proc_meminfo(5), in bytes. */
class Memory {
  private readonly text: string;

  constructor() {
    this.text = `\n${readText(MEMORY_PATH, MAX_BYTES)}`;
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

export class MetricsHandler extends Handler {
  private readonly cpu: CpuUsage | undefined = startCpuUsage();

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("Cache-Control", "no-store");
    try {
      replyJson(exchange, this.read());
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      replyEmpty(exchange, Status.INTERNAL_ERROR);
    }
  }

  private read(): JsonValue {
    const cpu = this.cpu ?? new CpuUsage();
    cpu.update();
    const memory = new Memory();
    const total = memory.get("MemTotal");
    const used = Math.max(total - memory.available, 0);
    const disk = statFileSystem("/");
    const diskTotal = disk.blocks * disk.blockSize;
    const metrics = JsonValue.object();
    put(metrics, "ts", Math.floor(Date.now() / 1000));
    put(metrics, "cpu_count", cpu.count);
    put(metrics, "cpu_used_pct", cpu.percent);
    put(metrics, "mem_total", total);
    put(metrics, "mem_used", used);
    put(metrics, "mem_cache", memory.cache);
    put(metrics, "mem_total_mib", Math.floor(total / MIB));
    put(metrics, "mem_used_mib", Math.floor(used / MIB));
    put(metrics, "disk_total", diskTotal);
    put(metrics, "disk_used", diskTotal - disk.available * disk.blockSize);
    return metrics;
  }
}

function put(metrics: JsonValue, name: string, value: number): void {
  metrics.set(name, JsonValue.number(value));
}

/** Undefined where /proc is not there yet. */
function startCpuUsage(): CpuUsage | undefined {
  try {
    return new CpuUsage();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return undefined;
  }
}
