/**
 * What an init does before it listens; lifecycle.md 1.2, steps 1 to 9. Plain calls, one after the other: there is nobody
 * yet who could be kept waiting. Nothing that fails ends it.
 */
import { makeRunDirectories } from "../envd/run-directories.ts";
import { setLogLevel, setLogTarget } from "../sys/log.ts";
import { Placeholders } from "../sys/placeholder.ts";
import { linkDevices } from "./devices.ts";
import { prepareKernel } from "./kernel.ts";
import { loadModules } from "./modules.ts";
import { Mounts } from "./mounts.ts";
import { openLog } from "./options.ts";
import { KERNEL_LOG, type Settings } from "./settings.ts";

export class Boot {
  private readonly placeholders = new Placeholders();
  private readonly mounts = new Mounts();

  /**
   * Up to the command line: all three standard descriptors taken, /proc there. To be called before anything opens a
   * descriptor. What fails is logged by `prepare`, when there is a log.
   */
  start(): void {
    this.placeholders.fill();
    this.mounts.mountProc();
  }

  /**
   * Opens the log. /dev is mounted before it, unless the kernel's log can be had without, by a node of the image's own or
   * in a /dev that is there already, and no standard descriptor waits for a device. (It is mounted by `prepare` then.)
   */
  openLog(settings: Settings): void {
    setLogLevel(settings.logLevel);
    if (settings.logTarget === KERNEL_LOG && this.placeholders.isEmpty && setLogTarget(KERNEL_LOG)) return;
    this.mounts.mountDev();
    this.placeholders.replace();
    openLog(settings);
  }

  /** The machine as the settings want it, all but its network. `isOwner`: it is a machine, not a namespace. */
  prepare(settings: Settings, isOwner: boolean): void {
    this.mounts.mountRest(settings);
    // What it was opened on may lie below what is mounted now.
    openLog(settings);
    this.mounts.report();
    linkDevices();
    prepareKernel(settings, isOwner);
    if (settings.profile.hasEnvd) makeRunDirectories(true);
  }

  /** The devices of a modular kernel. Apart from the rest, as this is what may take long. */
  loadModules(): void {
    loadModules();
  }
}
