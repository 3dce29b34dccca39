/** What runs in the guest from its start: sshd, and the commands of `mote.exec`. Each is started once. */
import { SysError } from "../sys/errno.ts";
import { isExecutable, stat, unlink } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { makeDirectory } from "../sys/node.ts";
import { authorizeKey } from "./authorized-key.ts";
import type { Milestones } from "./milestones.ts";
import type { Reaper } from "./reaper.ts";

const SHELL = "/bin/sh";
const SSHD = "/usr/sbin/sshd";
const SSHD_RUN_DIRECTORY = "/run/sshd";
const SSH_KEYGEN = "/usr/bin/ssh-keygen";
const HOST_KEY_DIRECTORY = "/etc/ssh";
const HOST_KEY_TYPES = ["ed25519", "ecdsa", "rsa"];
const ROOT_HOME = "/root";

function hostKeyPath(type: string): string {
  return `${HOST_KEY_DIRECTORY}/ssh_host_${type}_key`;
}

/** Whether there is a host key. One of no bytes is what a power cut left of one. */
function hasHostKey(): boolean {
  for (const type of HOST_KEY_TYPES) {
    try {
      if (stat(hostKeyPath(type)).size > 0) return true;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
  return false;
}

/** How a child ended, in words. */
export function exitText(status: number): string {
  return status < 0 ? `killed by signal ${-status}` : `exit code ${status}`;
}

export class Services {
  private readonly reaper: Reaper;
  private readonly milestones: Milestones;
  private readonly environment: number;
  private readonly output: number;
  private readonly onDone: () => void;

  /**
   * `environment` is the address of the environment vector of what is started, `output` where its output goes; both
   * stay the caller's. `onDone` is called when all is started.
   */
  constructor(reaper: Reaper, milestones: Milestones, environment: number, output: number, onDone: () => void) {
    this.reaper = reaper;
    this.milestones = milestones;
    this.environment = environment;
    this.output = output;
    this.onDone = onDone;
  }

  /** Starts the commands, then prepares ssh, and starts sshd where it is wanted and there. */
  start(commands: string[], authorizedKey: string, servesSsh: boolean): void {
    // First: making a host key takes as long as the kernel's random numbers do.
    for (const command of commands) this.launch(command, [SHELL, "-c", command]);
    const hasSshd = servesSsh && isExecutable(SSHD);
    this.milestones.reach("ssh-hostkey-check-start");
    if (!hasSshd || hasHostKey()) this.finish(authorizedKey, hasSshd);
    else this.makeHostKey(authorizedKey);
  }

  private makeHostKey(authorizedKey: string): void {
    const path = hostKeyPath("ed25519");
    if (!isExecutable(SSH_KEYGEN)) {
      log(Level.WARN, `no ssh host key: ${SSH_KEYGEN} is missing`);
      this.finish(authorizedKey, true);
      return;
    }
    // It would ask whether to replace one of no bytes.
    unlink(path);
    const argv = [SSH_KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", path];
    try {
      this.reaper.launch(argv, this.environment, this.output, (status) => {
        if (status !== 0) log(Level.WARN, `no ssh host key: ${SSH_KEYGEN}: ${exitText(status)}`);
        this.finish(authorizedKey, true);
      });
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.WARN, `no ssh host key: ${error.describe()}`);
      this.finish(authorizedKey, true);
    }
  }

  private finish(authorizedKey: string, hasSshd: boolean): void {
    this.milestones.reach("ssh-hostkey-check-done");
    this.milestones.reach("ssh-authkey-inject-start");
    if (authorizedKey !== "") authorizeKey(ROOT_HOME, authorizedKey);
    this.milestones.reach("ssh-authkey-inject-done");
    if (hasSshd) this.startSshd();
    this.milestones.reach("init-complete");
    this.onDone();
  }

  private startSshd(): void {
    this.milestones.reach("sshd-start");
    try {
      makeDirectory(SSHD_RUN_DIRECTORY, 0o755);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.WARN, error.describe());
    }
    // In the foreground, so that its end is ours to tell.
    this.launch(SSHD, [SSHD, "-D"]);
    this.milestones.reach("sshd-invoked");
  }

  private launch(name: string, argv: string[]): void {
    try {
      const pid = this.reaper.launch(argv, this.environment, this.output, (status) => {
        log(status === 0 ? Level.INFO : Level.WARN, `service ended, ${exitText(status)}: ${name}`);
      });
      log(Level.INFO, `service started as ${pid}: ${name}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      log(Level.ERROR, `service not started, ${error.describe()}: ${name}`);
    }
  }
}
