/** How busy the processors are, as `/metrics` tells; envd-http.md 5.2, proc_stat(5). */
import { monotonicNow } from "../sys/clock.ts";
import { readText } from "../sys/text.ts";

const PATH = "/proc/stat";
const MAX_BYTES = 1024 * 1024;
/** Over how many milliseconds it is measured at least. */
const INTERVAL_MS = 1000;
const IDLE_FIELD = 3;
const WAIT_FIELD = 4;
/** The time of guests comes after these, and is among the first ones already. */
const TOTAL_FIELDS = 8;

/**
 * The share of busy time since it was last measured, which whoever asks within a second after that gets again: readers do
 * not disturb each other, and nothing runs while nobody asks.
 */
export class CpuUsage {
  /** Per cent with two decimals; 0 before there is anything to compare. */
  percent = 0;
  /** Logical processors. */
  count = 0;
  private busy = 0;
  private total = 0;
  private measured: number;

  /** Begins to measure. Throws SysError where there is no /proc. */
  constructor() {
    this.measured = monotonicNow();
    this.read();
  }

  /** Brings the figures up to date. Throws SysError. */
  update(): void {
    const now = monotonicNow();
    if (now - this.measured < INTERVAL_MS) return;
    this.measured = now;
    const busy = this.busy;
    const total = this.total;
    this.read();
    const share = (this.busy - busy) / (this.total - total);
    this.percent = share > 0 ? Math.min(Math.round(share * 10_000) / 100, 100) : 0;
  }

  private read(): void {
    let count = 0;
    for (const line of readText(PATH, MAX_BYTES).split("\n")) {
      // They come first.
      if (!line.startsWith("cpu")) break;
      if (line.startsWith("cpu ")) this.add(line.slice(3).trim().split(" "));
      else count += 1;
    }
    this.count = count;
  }

  private add(fields: string[]): void {
    let total = 0;
    for (const field of fields.slice(0, TOTAL_FIELDS)) total += Number(field);
    this.total = total;
    this.busy = total - Number(fields.at(IDLE_FIELD) ?? "0") - Number(fields.at(WAIT_FIELD) ?? "0");
  }
}
