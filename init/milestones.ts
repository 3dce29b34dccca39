/** How far the boot has come, in the files and the form that SmolVM's host tools read; lifecycle.md 1.2. */
import { realtime, secondsText, sinceKernelStart } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import { makeDirectory } from "../sys/node.ts";
import { addLine } from "../sys/whole-file.ts";

const CONSOLE = "/dev/console";
const RUN_DIRECTORY = "/run/smolvm";
const LOG_DIRECTORY = "/var/log";
const RECORD_NAMES = ["milestones.jsonl", "boot-milestones.jsonl"];
const LOG_NAME = "smolvm-boot.log";

/** A point in time by both clocks; their texts are in seconds to the millisecond. */
export class Moment {
  private readonly sinceEpoch = realtime();
  private readonly sinceStart = sinceKernelStart();

  get epoch(): string {
    return secondsText(this.sinceEpoch);
  }

  get uptime(): string {
    return secondsText(this.sinceStart);
  }
}

/** The line of a record: JSON. */
export function recordLine(stage: string, moment: Moment): string {
  return `{"stage":"${stage}","epoch_s":${moment.epoch},"uptime_s":${moment.uptime}}`;
}

/** The line for the console and the log. */
export function consoleLine(stage: string, moment: Moment): string {
  return `SMOLVM_TS stage=${stage} epoch_s=${moment.epoch} uptime_s=${moment.uptime}`;
}

/** Tells the stages of a boot. Best effort: it neither fails nor waits for a slow console. */
export class Milestones {
  private readonly isEnabled: boolean;
  private isPrepared = false;

  constructor(isEnabled: boolean) {
    this.isEnabled = isEnabled;
  }

  /** A stage is reached now. Its name is plain: it goes into JSON as it is. */
  reach(stage: string): void {
    if (this.isEnabled) this.reachAt(stage, new Moment());
  }

  /** A stage was reached then: before /run was mounted, or before anybody knew whether to tell. */
  reachAt(stage: string, moment: Moment): void {
    if (!this.isEnabled) return;
    this.prepare();
    const record = recordLine(stage, moment);
    for (const name of RECORD_NAMES) addLine(`${RUN_DIRECTORY}/${name}`, record, true);
    const line = consoleLine(stage, moment);
    addLine(CONSOLE, line, false);
    addLine(`${LOG_DIRECTORY}/${LOG_NAME}`, line, true);
  }

  private prepare(): void {
    if (this.isPrepared) return;
    this.isPrepared = true;
    for (const directory of [RUN_DIRECTORY, LOG_DIRECTORY]) {
      try {
        makeDirectory(directory, 0o755);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
      }
    }
  }
}
