/** Volumes of NFS servers, and which of them are there for which life of the guest; envd-http.md 5.4. */
import { monotonicNow } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import type { State } from "../json/state.ts";
import { objectOf, textsOf } from "../json/texts.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { realPath } from "../sys/file.ts";
import type { Loop } from "../sys/loop.ts";
import { MountTable } from "../sys/mount.ts";
import { ensureDirectories, NotDirectoryError } from "../sys/parents.ts";
import { absolutePath, directoryOf } from "../sys/path.ts";
import type { Volume } from "./init-request.ts";
import { Program } from "./program.ts";

/** The member of the state that tells the next worker what is mounted. */
const MEMBER = "volumes";
const MAX_VOLUMES = 64;
/** For all mounts of one request, and for each unmount; milliseconds. */
const LIMIT_MS = 10_000;
const UNMOUNT_LIMIT_MS = 2000;
const OPTIONS =
  "fg,hard,sync,rsize=1048576,wsize=1048576,mountproto=tcp,mountport=2049,proto=tcp,port=2049,nfsvers=3,noacl,noac,lookupcache=none";

export class Volumes {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  /** The lifecycle of each path that has been mounted. */
  private readonly ledger: Map<string, string>;
  private readonly state: State | undefined;

  /** `state`: where a worker before this one has left its ledger, if anywhere. */
  constructor(loop: Loop, exits: ExitWatcher, state: State | undefined) {
    this.loop = loop;
    this.exits = exits;
    this.state = state;
    this.ledger = textsOf(state?.get(MEMBER));
  }

  /**
   * Mounts what is not mounted for this lifecycle, all at once. `onDone` gets the first failure, empty where there is
   * none, possibly before this returns. One call at a time.
   */
  mountAll(volumes: Volume[], lifecycle: string, onDone: (failure: string) => void): void {
    if (volumes.length > MAX_VOLUMES) return onDone(`more than ${MAX_VOLUMES} volumes`);
    const wanted = new Map<string, Volume>();
    for (const volume of volumes) if (this.ledger.get(volume.path) !== lifecycle) wanted.set(volume.path, volume);
    // One more, which this loop itself is: it has not ended while mounts are being started.
    let left = wanted.size + 1;
    let first = "";
    const end = (failure: string): void => {
      if (first === "") first = failure;
      left -= 1;
      if (left === 0) onDone(first);
    };
    for (const volume of wanted.values()) {
      new VolumeMount(this.loop, this.exits, volume, (failure) => {
        if (failure === "") this.enter(volume.path, lifecycle);
        end(failure === "" ? "" : `${volume.path}: ${failure}`);
      }).start();
    }
    end("");
  }

  private enter(path: string, lifecycle: string): void {
    this.ledger.set(path, lifecycle);
    this.state?.set(MEMBER, objectOf(this.ledger));
  }
}

/** One volume on its way: whatever is mounted there goes, by force and else lazily, then it is mounted. */
class VolumeMount {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly volume: Volume;
  private readonly onEnd: (failure: string) => void;
  private readonly deadline = monotonicNow() + LIMIT_MS;

  constructor(loop: Loop, exits: ExitWatcher, volume: Volume, onEnd: (failure: string) => void) {
    this.loop = loop;
    this.exits = exits;
    this.volume = volume;
    this.onEnd = onEnd;
  }

  start(): void {
    const { path, target } = this.volume;
    if (path === "" || `${path}${target}`.includes("\0")) return this.onEnd("no such path");
    if (isMounted(path)) this.unmount("-f", () => this.unmount("-l", (failure) => this.onEnd(failure)));
    else this.mount();
  }

  private unmount(how: string, onFailure: (failure: string) => void): void {
    const onEnd = (failure: string): void => {
      if (failure === "") this.mount();
      else onFailure(failure);
    };
    this.run(["umount", how, "--", this.volume.path], UNMOUNT_LIMIT_MS, onEnd);
  }

  private mount(): void {
    try {
      ensureDirectories(this.volume.path, 0, 0);
    } catch (error) {
      if (error instanceof NotDirectoryError) return this.onEnd(`${error.path} is no directory`);
      if (error instanceof SysError) return this.onEnd(error.describe());
      throw error;
    }
    const argv = ["mount", "-t", "nfs", "-o", OPTIONS, "--", this.volume.target, this.volume.path];
    this.run(argv, LIMIT_MS, this.onEnd);
  }

  private run(argv: string[], limit: number, onEnd: (failure: string) => void): void {
    const left = Math.max(this.deadline - monotonicNow(), 0);
    new Program(this.loop, this.exits, argv, onEnd).start(Math.min(limit, left));
  }
}

/** Whether something is mounted at a path. Looking at the path itself could wait for a server that is gone. */
function isMounted(path: string): boolean {
  try {
    const whole = absolutePath(path);
    const parent = realPath(directoryOf(whole));
    return MountTable.read().at(`${parent === "/" ? "" : parent}${whole.slice(whole.lastIndexOf("/"))}`) !== undefined;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}
