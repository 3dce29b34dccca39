/** How far a transfer is: one line on standard error, written anew a few times a second, where that is a terminal. */
import { printable } from "../sys/bytes.ts";
import { monotonicNow } from "../sys/clock.ts";
import { writeText } from "../sys/stdio.ts";
import { terminalColumns } from "../sys/terminal.ts";
import { bytesText, clockText, decimal } from "./units.ts";

const STDERR = 2;
const INTERVAL_MS = 200;
/** How much the last interval counts against all before, so that the rate follows without jumping. */
const WEIGHT = 0.25;
const CLEAR_LINE = "\r\x1b[K";

export class Progress {
  private readonly name: string;
  /** Bytes there will be; negative where nobody knows. */
  private readonly total: number;
  private readonly columns: number;
  private readonly began = monotonicNow();
  private drawnAt = this.began;
  private drawnBytes = 0;
  /** Bytes a second. */
  private rate = 0;
  private bytes = 0;

  /** A transfer that begins now. It shows nothing where `isQuiet`. */
  constructor(name: string, total: number, isQuiet: boolean) {
    this.name = printable(name);
    this.total = total;
    this.columns = isQuiet ? 0 : terminalColumns(STDERR);
  }

  /** More bytes have moved. */
  add(bytes: number): void {
    this.bytes += bytes;
    if (this.columns === 0) return;
    const now = monotonicNow();
    const elapsed = now - this.drawnAt;
    if (elapsed < INTERVAL_MS) return;
    const rate = ((this.bytes - this.drawnBytes) * 1000) / elapsed;
    this.rate = this.rate === 0 ? rate : this.rate + (rate - this.rate) * WEIGHT;
    this.drawnAt = now;
    this.drawnBytes = this.bytes;
    this.draw(this.state());
  }

  /** All is there: the line becomes its summary. */
  finish(): void {
    if (this.columns === 0) return;
    const seconds = Math.max(monotonicNow() - this.began, 0.001) / 1000;
    this.draw(`${bytesText(this.bytes)} in ${decimal(seconds, 1)} s, ${bytesText(this.bytes / seconds)}/s`);
    writeText(STDERR, "\n");
  }

  /** The transfer failed: the line goes, in favour of what is said next. */
  abandon(): void {
    if (this.columns > 0) writeText(STDERR, CLEAR_LINE);
  }

  private state(): string {
    const rate = `${bytesText(this.rate)}/s`;
    // A file may grow beyond what was announced.
    if (this.total <= 0 || this.bytes > this.total) return `${bytesText(this.bytes)}, ${rate}`;
    const percent = Math.floor((this.bytes * 100) / this.total);
    const left = this.rate > 0 ? `, ${clockText((this.total - this.bytes) / this.rate)} left` : "";
    return `${bytesText(this.bytes)} of ${bytesText(this.total)}, ${percent}%, ${rate}${left}`;
  }

  private draw(state: string): void {
    // A line that wraps could not be written over. The last column stays free, for terminals that wrap behind it.
    const room = this.columns - 1 - state.length - 2;
    const isLong = this.name.length > room;
    const name = isLong ? `...${this.name.slice(this.name.length - Math.max(room - 3, 0))}` : this.name;
    writeText(STDERR, `${CLEAR_LINE}${room > 3 ? `${name}  ` : ""}${state.slice(0, this.columns - 1)}`);
  }
}
