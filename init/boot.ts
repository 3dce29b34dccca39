/**
 * What an init does before it listens; lifecycle.md 1.2, steps 1 to 9. Plain calls, one after the other: there is nobody
 * yet who could be kept waiting. Nothing that fails ends it.
 */
import { makeRunDirectories } from "../envd/run-directories.ts";
import { Placeholders } from "../sys/placeholder.ts";
import { linkDevices } from "./devices.ts";
import { prepareKernel } from "./kernel.ts";
import { loadModules } from "./modules.ts";
import { Mounts } from "./mounts.ts";
import type { Settings } from "./settings.ts";

export class Boot {
  private readonly mounts = new Mounts();

  /**
   * Up to the command line: all three standard descriptors open, /proc and /dev there. To be called before anything
   * opens a descriptor. What fails is logged by `prepare`, when there is a log.
   */
  start(): void {
    const placeholders = Placeholders.fill();
    this.mounts.mountFirst();
    placeholders.replace();
  }

  /** The machine as the settings want it, all but its network. `isOwner`: it is a machine, not a namespace. */
  prepare(settings: Settings, isOwner: boolean): void {
    this.mounts.mountRest(settings);
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
