/** What PID 1 is told by its arguments, and what that makes of its settings, its log and where it listens; lifecycle.md 1.7. */
import { EnvdOptions } from "../envd/options.ts";
import type { Address } from "../sys/address.ts";
import { programArguments } from "../sys/environ.ts";
import { setLogLevel, setLogTarget } from "../sys/log.ts";
import { CommandLine } from "./cmdline.ts";
import { profileByName, profileOf } from "./profile.ts";
import { Settings } from "./settings.ts";

/** What the arguments of PID 1 say; it goes before the kernel's command line. Empty texts say nothing. */
export class InitOptions {
  profile = "";
  logLevel = "";
  logTarget = "";
  addresses: Address[] = [];
  /** The descriptor that `--resume` names, -1 at the start of the machine. */
  resume = -1;
  /** Words that were not understood. */
  complaints: string[] = [];
  envd = new EnvdOptions();
}

/** The log, wherever it can go: an init is not to be mute for want of a device. */
export function openLog(settings: Settings): void {
  setLogLevel(settings.logLevel);
  for (const target of [settings.logTarget, "console", "stderr"]) {
    settings.logTarget = target;
    if (setLogTarget(target)) return;
  }
}

/** All of it together: the arguments' profile and log, over the kernel's command line, over what the program's name says. */
export function settingsOf(options: InitOptions): Settings {
  const usual = profileOf(programArguments().at(0) ?? "");
  const settings = Settings.from(profileByName(options.profile), usual, CommandLine.read());
  if (options.logLevel !== "") settings.logLevel = options.logLevel;
  if (options.logTarget !== "") settings.logTarget = options.logTarget;
  return settings;
}

/** Where to listen: what the arguments say, else the kernel's command line, else where the profile's host expects it. */
export function addressesOf(settings: Settings, options: InitOptions, usual: (isEnvd: boolean) => Address): Address[] {
  if (options.addresses.length > 0) return options.addresses;
  return settings.listen.length > 0 ? settings.listen : [usual(settings.profile.hasEnvd)];
}
