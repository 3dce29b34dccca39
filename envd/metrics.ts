/** GET /metrics; envd-http.md 5.2. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { JsonValue } from "../json/value.ts";
import { SysError } from "../sys/errno.ts";
import { statFileSystem } from "../sys/space.ts";
import { CpuUsage } from "./cpu-usage.ts";
import { MemoryInfo } from "./meminfo.ts";
import { replyEmpty, replyJson } from "./reply.ts";

const MIB = 1_048_576;

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
    const memory = new MemoryInfo();
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
