/** Which command of reboot(2) ends the virtual machine, and not only the guest in it; lifecycle.md 1.11. */
import { isX86 } from "../sys/architecture.ts";
import { hasAcpi, isFirecracker } from "../sys/firmware.ts";
import { Reboot } from "../sys/machine.ts";

/** How the machine is to end. */
export const enum StopWish {
  /** As its platform can. */
  AUTO,
  POWEROFF,
  REBOOT,
}

/** What the choice depends on. */
export class Platform {
  readonly isX86: boolean;
  readonly hasAcpi: boolean;
  readonly isFirecracker: boolean;
  /** The host asks for a reset by the keyboard controller, `reboot=k`. */
  readonly isReset: boolean;

  constructor(isX86: boolean, hasAcpi: boolean, isFirecracker: boolean, isReset: boolean) {
    this.isX86 = isX86;
    this.hasAcpi = hasAcpi;
    this.isFirecracker = isFirecracker;
    this.isReset = isReset;
  }

  /** This machine, from /sys and the values of `reboot=` and `pci=` on the kernel command line, empty where not given. */
  static read(reboot: string, pci: string): Platform {
    // Firecracker has no PCI bus by default, and its older versions have no ACPI to name it.
    const isKnown = pci.split(",").includes("off") || isFirecracker();
    const isReset = reboot.split(",").some((word) => word.startsWith("k"));
    return new Platform(isX86(), hasAcpi(), isKnown, isReset);
  }
}

/** The command that ends the machine as wished for, or as its platform can. */
export function chooseReboot(wish: StopWish, platform: Platform): Reboot {
  if (wish === StopWish.REBOOT) return Reboot.AUTOBOOT;
  if (!platform.isX86) return Reboot.POWER_OFF;
  // Nothing there can cut the power: the processor halts, and the virtual machine stays.
  if (!platform.hasAcpi || platform.isFirecracker) return Reboot.AUTOBOOT;
  return wish === StopWish.AUTO && platform.isReset ? Reboot.AUTOBOOT : Reboot.POWER_OFF;
}

/** The standing wish, `mote.stop`, on a platform. */
export class StopChoice {
  private readonly wish: StopWish;
  private readonly platform: Platform;

  constructor(wish: StopWish, platform: Platform) {
    this.wish = wish;
    this.platform = platform;
  }

  /** The command for a request to stop, whose own wish goes before the standing one. */
  command(wish: StopWish): Reboot {
    return chooseReboot(wish === StopWish.AUTO ? this.wish : wish, this.platform);
  }
}
