// Cases of the file-system service, in both codecs, against one daemon per file of tests. Each gets a fresh directory.

import { expect, setDefaultTimeout } from "bun:test";
import { chmodSync, chownSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import type { Daemon, DaemonOptions } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { type Codec, codecs } from "./call.ts";
import { Files } from "./files.ts";
import { SharedDaemon } from "./shared-daemon.ts";

setDefaultTimeout(hangLimit);

/** Where a case works: a directory of the daemon's, and the same seen from the tests. */
export class Place {
  constructor(
    readonly daemon: Daemon,
    /** The daemon's path. */
    readonly path: string,
  ) {}

  /** A path inside, as the daemon sees it. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The same as the tests see it. */
  in(name: string): string {
    return this.daemon.inside(this.at(name));
  }

  /** Runs a shell command there, in the daemon's file systems. */
  sh(script: string): void {
    const { exitCode, stderr } = Bun.spawnSync(["nsenter", "--mount", `--target=${this.daemon.pid}`, "sh", "-ec", `cd ${this.path}\n${script}`]);
    if (exitCode !== 0) throw new Error(`${script}: ${exitCode} ${stderr.toString()}`);
  }
}

export class FileCases {
  readonly #shared: SharedDaemon;
  #count = 0;

  constructor(options: DaemonOptions = {}) {
    this.#shared = new SharedDaemon(options);
  }

  get daemon(): Daemon {
    return this.#shared.current;
  }

  files(codec: Codec): Files {
    return new Files(this.daemon.port, codec);
  }

  /** A fresh directory in the home of `user`, which is the user's. */
  place(): Place {
    this.#count += 1;
    const place = new Place(this.daemon, `/home/user/case${this.#count}`);
    const path = this.daemon.inside(place.path);
    mkdirSync(path);
    chmodSync(path, 0o755);
    chownSync(path, 1000, 1000);
    return place;
  }

  /** A case for each codec. */
  both(name: string, body: (files: Files, place: Place) => Promise<void>): void {
    for (const codec of codecs) this.#shared.test(`${name} (${codec})`, hangLimit, () => body(this.files(codec), this.place()));
  }

  /** A case in one codec, where the codec makes no difference. */
  once(name: string, body: (files: Files, place: Place) => Promise<void>): void {
    this.#shared.test(name, hangLimit, () => body(this.files("json"), this.place()));
  }

  /** The last case of a file: nothing of those before it is open. */
  leavesNothingOpen(): void {
    this.once("nothing stays open", async () => {
      // The place of a slice of work may be, which a client that is gone has cut short.
      await until("all is closed", 20, () => this.#leftOpen().length === 0);
      expect(this.daemon.exitCode).toBe(null);
    });
  }

  /** What the daemon has open that a case may have left: directories and files of the places, and watches. */
  #leftOpen(): string[] {
    const directory = `/proc/${this.daemon.pid}/fd`;
    const targets = readdirSync(directory).map((fd) => {
      try {
        return readlinkSync(`${directory}/${fd}`);
      } catch {
        return "";
      }
    });
    return targets.filter((target) => /^(\/home|\/srv|\/proc|anon_inode:inotify)/.test(target));
  }
}
