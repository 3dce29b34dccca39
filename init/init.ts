/** The agent as PID 1: boots the machine, keeps a worker alive, reaps, stops, and never exits; lifecycle.md 1. */
import { guard } from "#libc";
import { Freezer } from "../envd/freezer.ts";
import type { EnvdOptions } from "../envd/options.ts";
import { WorkloadGroups } from "../envd/workload-groups.ts";
import { State } from "../json/state.ts";
import type { Address } from "../sys/address.ts";
import type { CStringVector } from "../sys/bytes.ts";
import { monotonicNow } from "../sys/clock.ts";
import { programArguments } from "../sys/environ.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log, logLevelName } from "../sys/log.ts";
import { Loop, Ready } from "../sys/loop.ts";
import { Machine } from "../sys/machine.ts";
import { createRecordFile, StateRecord } from "../sys/record.ts";
import { selfVector } from "../sys/self.ts";
import { Listener } from "../sys/socket.ts";
import { Timer } from "../sys/timer.ts";
import { pause } from "../sys/wait.ts";
import { Boot } from "./boot.ts";
import { followHardwareClock } from "./clock-sync.ts";
import { environmentOf } from "./environment.ts";
import { Milestones, Moment } from "./milestones.ts";
import { bringUpLoopback, NetworkSetup } from "./network.ts";
import { networkConfig } from "./network-config.ts";
import { openNow, OpenListeners } from "./open-listeners.ts";
import { addressesOf, type InitOptions, openLog, settingsOf } from "./options.ts";
import { Platform, StopChoice, type StopWish } from "./platform.ts";
import { ProfileKind } from "./profile.ts";
import { Reaper } from "./reaper.ts";
import { Held, Resume } from "./resume.ts";
import type { Settings } from "./settings.ts";
import { blockInitSignals, ignoreInitSignals, InitSignals, SignalSink } from "./signals.ts";
import { StopActions, StopSequence } from "./stop.ts";
import { Supervisor, SupervisorOwner } from "./supervisor.ts";
import { WorkerProcess } from "./worker-process.ts";

/** The option by which a PID 1 that starts over in place finds itself. */
const RESUME_OPTION = "--resume";
const STDOUT = 1;
/** So many restarts in place within so many milliseconds are too many: workers pause for a while. */
const RESTARTS_MAX = 5;
const RESTARTS_WINDOW_MS = 10_000;
const RESTARTS_PAUSE_MS = 60_000;
/** Before a boot that failed as a whole is tried again. */
const FAILURE_PAUSE_MS = 1000;

/** Passes on to the init what its signals say. */
class Sink extends SignalSink {
  private readonly init: Init;

  constructor(init: Init) {
    super();
    this.init = init;
  }

  override onStop(why: string, wish: StopWish): void {
    this.init.stop(why, wish);
  }

  override onChild(): void {
    this.init.reaper.reap();
  }
}

class Actions extends StopActions {
  private readonly init: Init;

  constructor(init: Init) {
    super();
    this.init = init;
  }

  override refuseWork(): void {
    this.init.refuseWork();
  }
}

class Init extends SupervisorOwner {
  private readonly loop: Loop;
  readonly reaper: Reaper;
  private readonly settings: Settings;
  private readonly options: EnvdOptions;
  private readonly environment: CStringVector;
  private readonly supervisor: Supervisor;
  private readonly machine: Machine;
  private sequence: StopSequence | undefined;
  private readonly listeners: OpenListeners;
  private readonly resume: Resume;
  private readonly setsClock: boolean;
  private readonly delayed = new Timer(() => this.supervisor.start());
  private isStopping = false;

  constructor(loop: Loop, settings: Settings, machine: Machine, resume: Resume, options: EnvdOptions) {
    super();
    this.loop = loop;
    this.reaper = new Reaper(loop);
    this.listeners = new OpenListeners(loop, (listener) => this.onListener(listener));
    this.settings = settings;
    this.options = options;
    if (settings.cgroups === "off") options.hasCgroups = false;
    options.chooseMmds(settings.mmds, settings.profile.hasEnvd);
    options.chooseForward(settings.forward, settings.profile.hasEnvd);
    this.resume = resume;
    this.setsClock = !options.isOutsideFirecracker;
    this.environment = environmentOf(settings.profile);
    const words = ["--in-init", "--log", logLevelName(), "--log-to", settings.logTarget].concat(options.words());
    this.supervisor = new Supervisor(this.loop, this.reaper, this, words, this.environment.address(), resume.recordFile);
    // A PID 1 that has started over has run it already.
    if (!resume.isBooted) this.supervisor.addOnce(options.commandWords());
    this.machine = machine;
    ignoreInitSignals();
    this.loop.add(new InitSignals(new Sink(this), settings.isCadIgnored), Ready.READABLE);
  }

  /** Takes those that listen already; the other addresses are tried when the machine is ready. */
  takeListeners(addresses: Address[], opened: Listener[]): void {
    for (const listener of opened) this.onListener(listener);
    this.listeners.want(addresses.filter((address) => !opened.some((listener) => listener.address === address)));
  }

  /** The machine is ready: serves, then sets up the rest of the guest. */
  start(milestones: Milestones): void {
    milestones.reach("guest-agent-start");
    this.resume.isBooted = true;
    this.listeners.tryAgain();
    this.supervisor.start();
    milestones.reach("guest-agent-started");
    const config = networkConfig(this.settings);
    config.setsClock = this.setsClock;
    const environment = this.environment.address();
    const setup = new NetworkSetup(this.loop, this.reaper, config, milestones, environment, STDOUT, () => this.onBooted());
    setup.start();
  }

  /** Takes over the listeners of an earlier image of this process. */
  adopt(addresses: Address[]): void {
    const known: string[] = [];
    // They stay noted: who fails in here once more finds them all.
    for (const held of this.resume.listeners) {
      known.push(held.address.text);
      this.supervisor.adopt(Listener.adopt(held.address, held.fd));
    }
    this.listeners.want(addresses.filter((address) => !known.includes(address.text)));
  }

  /** Goes on where an earlier image of this process was torn off. */
  goOn(): void {
    if (this.resume.stopWish >= 0) return this.stop("as before", this.resume.stopWish);
    this.listeners.tryAgain();
    if (this.setsClock) followHardwareClock(this.loop);
    const pid = this.resume.workerPid;
    if (pid > 0) this.supervisor.resume(WorkerProcess.resume(this.loop, this.supervisor.store, pid, this.resume.channel));
    else if (this.isRestless()) this.loop.timers.start(this.delayed, RESTARTS_PAUSE_MS);
    else this.supervisor.start();
    // Children that have ended meanwhile sent their signals to the image before.
    this.reaper.reap();
  }

  stop(why: string, wish: StopWish): void {
    this.isStopping = true;
    if (this.resume.stopWish < 0) this.resume.stopWish = wish;
    this.resume.listeners = [];
    this.resume.write();
    if (this.sequence === undefined) this.sequence = this.prepareStop();
    this.sequence.begin(why, wish);
  }

  private prepareStop(): StopSequence {
    const choice = new StopChoice(this.settings.stop, Platform.read(this.settings.reboot, this.settings.pci));
    return new StopSequence(this.loop, this.reaper, choice, this.settings.graceMs, this.machine, new Actions(this));
  }

  /** The first step of a stop. The worker hears of it by SIGTERM, as everybody does. */
  refuseWork(): void {
    this.loop.timers.cancel(this.delayed);
    this.listeners.stop();
    this.supervisor.close();
    const state = new State(new StateRecord(this.resume.recordFile));
    new Freezer(this.loop, new WorkloadGroups(this.options), state, 0).end();
  }

  override wantsWorker(_status: number): boolean {
    return !this.isStopping;
  }

  override onWorker(pid: number, channel: number): void {
    this.resume.workerPid = pid;
    this.resume.channel = channel;
    this.resume.write();
  }

  /** Runs for ever: nothing that goes wrong in a turn of the loop ends it. */
  run(): void {
    for (;;) {
      try {
        this.loop.run();
      } catch (error) {
        log(Level.ERROR, `init: ${error instanceof Error ? error.message : ""}`);
      }
    }
  }

  private onListener(listener: Listener): void {
    this.resume.listeners.push(new Held(listener.address, listener.fd));
    this.resume.write();
    this.supervisor.adopt(listener);
  }

  private onBooted(): void {
    log(Level.INFO, "the guest is up");
  }

  /** Whether this process has started over so often that something is wrong beyond a moment's bad luck. */
  private isRestless(): boolean {
    const restarts = this.resume.restarts;
    const first = restarts.at(-RESTARTS_MAX - 1);
    if (first === undefined || monotonicNow() - first > RESTARTS_WINDOW_MS) return false;
    log(Level.ERROR, "started over too often: the next worker comes in a minute");
    return true;
  }
}

/** What starts this process over; kept here, because a signal handler reads it. */
let again: CStringVector | undefined;

function armGuard(resume: Resume): void {
  const words = [RESUME_OPTION, `${resume.fd}`];
  const given = programArguments().slice(1);
  const isResumed = given.at(0) === RESUME_OPTION;
  again = selfVector(words.concat(isResumed ? given.slice(2) : given));
  guard(again.address());
}

/** Listens first, and makes the machine ready after that. */
function bootMachine(boot: Boot, options: InitOptions, usual: (isEnvd: boolean) => Address): void {
  boot.start();
  const settings = settingsOf(options);
  boot.openLog(settings);
  const addresses = addressesOf(settings, options, usual);
  // Who connects from now on waits for the worker in the backlog.
  const opened = openNow(addresses);
  // About when it began: reading a clock for the first time takes longer than one would think.
  const begun = new Moment();
  const resume = Resume.create();
  resume.recordFile = createRecordFile();
  const machine = Machine.take();
  const init = new Init(new Loop(), settings, machine, resume, options.envd);
  init.takeListeners(addresses, opened);
  // Now that they are noted: who starts over before would lose those that somebody may have connected to.
  armGuard(resume);
  for (const warning of settings.warnings) log(Level.WARN, warning);
  for (const complaint of options.complaints) log(Level.DEBUG, `argument ignored: ${complaint}`);
  makeReady(boot, init, settings, machine, begun);
  init.run();
}

/** All of the boot but what listening needs. */
function makeReady(boot: Boot, init: Init, settings: Settings, machine: Machine, begun: Moment): void {
  const milestones = new Milestones(settings.profile.kind === ProfileKind.SMOLVM);
  boot.prepare(settings, machine.isWhole);
  milestones.reachAt("init-start", begun);
  milestones.reach("mounts-ready");
  bringUpLoopback();
  milestones.reach("root-ready");
  boot.loadModules();
  init.start(milestones);
}

function resumeMachine(options: InitOptions, usual: (isEnvd: boolean) => Address): void {
  const resume = Resume.read(options.resume);
  armGuard(resume);
  // First of all: what fails from here on has to count.
  resume.addRestart(monotonicNow());
  const settings = settingsOf(options);
  openLog(settings);
  log(Level.ERROR, "PID 1 started over in place");
  const machine = Machine.take();
  const init = new Init(new Loop(), settings, machine, resume, options.envd);
  init.adopt(addressesOf(settings, options, usual));
  if (resume.isBooted) init.goOn();
  else makeReady(new Boot(), init, settings, machine, new Moment());
  init.run();
}

/** Is PID 1, for ever. `usual` tells where to listen unless told otherwise. */
export function runInit(options: InitOptions, usual: (isEnvd: boolean) => Address): void {
  blockInitSignals();
  for (;;) {
    try {
      if (options.resume < 0) bootMachine(new Boot(), options, usual);
      else resumeMachine(options, usual);
    } catch (error) {
      log(Level.ERROR, `init: ${error instanceof SysError ? error.describe() : error instanceof Error ? error.message : ""}`);
      // Once more, but not without a breath: the guest may be out of memory.
      pause(FAILURE_PAUSE_MS);
    }
  }
}
