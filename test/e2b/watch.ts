// Changes in a directory: sandbox.files.watchDir.

import { FileNotFoundError, InvalidArgumentError, TimeoutError, type FilesystemEvent, type Sandbox, type WatchHandle } from "e2b";
import { deepEqual, equal } from "node:assert/strict";
import { cases, failure, Heard } from "./case.ts";

type Options = NonNullable<Parameters<Sandbox["files"]["watchDir"]>[2]>;

function told({ type, name }: FilesystemEvent): string {
  return `${type} ${name}`;
}

let marks = 0;

/** A watch, and what it tells. */
class Watch {
  readonly sandbox: Sandbox;
  readonly directory: string;
  readonly heard: Heard<FilesystemEvent>;
  readonly handle: WatchHandle;
  /** How much of it has been looked at. */
  #from = 0;

  private constructor(sandbox: Sandbox, directory: string, heard: Heard<FilesystemEvent>, handle: WatchHandle) {
    this.sandbox = sandbox;
    this.directory = directory;
    this.heard = heard;
    this.handle = handle;
  }

  static async start(sandbox: Sandbox, directory: string, options: Options = {}): Promise<Watch> {
    const heard = new Heard<FilesystemEvent>();
    return new Watch(sandbox, directory, heard, await sandbox.files.watchDir(directory, heard.take, options));
  }

  /** Runs a shell command there. Returns what the watch has told until then and since the last time: all up to a directory made behind it. */
  async after(command: string): Promise<FilesystemEvent[]> {
    const mark = `mark${++marks}`;
    await this.sandbox.commands.run(`${command}\nmkdir ${mark}`, { cwd: this.directory });
    const isMark = (event: FilesystemEvent): boolean => told(event) === `create ${mark}`;
    await this.heard.until((all) => all.some(isMark));
    const [from, end] = [this.#from, this.heard.all.findIndex(isMark)];
    this.#from = end + 1;
    return this.heard.all.slice(from, end);
  }

  async told(command: string): Promise<string[]> {
    return (await this.after(command)).map(told);
  }

  stop(): Promise<void> {
    return this.handle.stop();
  }
}

export const watching = cases("E03: files.watchDir", {
  "a file is made, written, changed, renamed, removed": async ({ sandbox, directory }) => {
    const watch = await Watch.start(sandbox, directory);
    deepEqual(await watch.told(": >f; echo x >>f; chmod 600 f; mv f g; rm g"), ["create f", "write f", "chmod f", "rename f", "create g", "remove g"]);
    await watch.stop();
  },

  "an upload is three events": async ({ sandbox, directory }) => {
    const watch = await Watch.start(sandbox, directory);
    await sandbox.files.write(`${directory}/up`, "content");
    deepEqual(await watch.told(":"), ["create up", "chmod up", "write up"]);
    await watch.stop();
  },

  "what happens below is told by a recursive watch alone": async ({ sandbox, directory }) => {
    await sandbox.files.makeDir(`${directory}/sub`);
    const flat = await Watch.start(sandbox, directory);
    const deep = await Watch.start(sandbox, directory, { recursive: true });
    deepEqual(await deep.told("echo x >sub/f; rm sub/f"), ["create sub/f", "write sub/f", "remove sub/f"]);
    deepEqual((await flat.told(":")).filter((event) => event.includes("sub/")), []);
    await flat.stop();
    await deep.stop();
  },

  "directories that are new are watched, with what is in them already": async ({ sandbox, directory }) => {
    const watch = await Watch.start(sandbox, directory, { recursive: true });
    const events = await watch.told("mkdir -p a/b/c && echo x >a/b/c/f");
    for (const name of ["a", "a/b", "a/b/c", "a/b/c/f"]) equal(events.includes(`create ${name}`), true, `${name}: ${events.join()}`);
    equal((await watch.told("echo y >>a/b/c/f")).includes("write a/b/c/f"), true);
    deepEqual(await watch.told("mv a/b a/d; echo z >a/d/c/g"), ["rename a/b", "create a/d", "create a/d/c/g", "write a/d/c/g"]);
    await watch.stop();
  },

  "entries, where they are asked for": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/f`, "12345");
    const watch = await Watch.start(sandbox, directory, { includeEntry: true });
    const [changed, removed] = [await watch.after("chmod 600 f"), await watch.after("rm f")];
    deepEqual(changed.map(({ entry }) => [entry?.path, entry?.type, entry?.size, entry?.mode, entry?.owner]), [[`${directory}/f`, "file", 5, 0o600, "user"]]);
    deepEqual(removed.map((event) => [told(event), event.entry]), [["remove f", undefined]]);
    await watch.stop();
    const plain = await Watch.start(sandbox, directory);
    deepEqual((await plain.after(": >g")).map(({ entry }) => entry), [undefined]);
    await plain.stop();
  },

  "network mounts are allowed where it is asked for": async ({ sandbox, directory }) => {
    const watch = await Watch.start(sandbox, directory, { allowNetworkMounts: true });
    deepEqual(await watch.told(": >f"), ["create f"]);
    await watch.stop();
  },

  "by a path below home, and through a link": async ({ sandbox, directory }) => {
    await sandbox.commands.run("mkdir real; ln -s real link", { cwd: directory });
    const relative = await Watch.start(sandbox, directory.replace("/home/user/", ""));
    deepEqual(await relative.told(": >f"), ["create f"]);
    await relative.stop();
    const link = await Watch.start(sandbox, `${directory}/link`, { recursive: true });
    deepEqual(await link.told(": >f"), ["create f"]);
    await link.stop();
  },

  "a hundred files, none missed": async ({ sandbox, directory }) => {
    const watch = await Watch.start(sandbox, directory);
    const events = await watch.told("for i in $(seq 100 199); do echo x >f$i; done");
    deepEqual(events, Array.from({ length: 100 }, (_, i) => [`create f${100 + i}`, `write f${100 + i}`]).flat());
    await watch.stop();
  },

  "after stop nothing is told, and the end is": async ({ sandbox, directory }) => {
    const exits = new Heard<Error | undefined>();
    const stopped = await Watch.start(sandbox, directory, { onExit: exits.take });
    const other = await Watch.start(sandbox, directory);
    await stopped.stop();
    await exits.until((all) => all.length > 0);
    deepEqual(await other.told(": >f"), ["create f"]);
    deepEqual([stopped.heard.all, exits.all.length], [[], 1]);
    await other.stop();
  },

  "past timeoutMs it ends with a TimeoutError": async ({ sandbox, directory }) => {
    const exits = new Heard<Error | undefined>();
    await Watch.start(sandbox, directory, { timeoutMs: 1000, onExit: exits.take });
    await exits.until((all) => all.length > 0);
    equal(exits.all[0] instanceof TimeoutError, true, String(exits.all[0]));
  },

  "the directory itself is removed": async ({ sandbox, directory }) => {
    await sandbox.files.makeDir(`${directory}/gone`);
    const heard = new Heard<FilesystemEvent>();
    const handle = await sandbox.files.watchDir(`${directory}/gone`, heard.take);
    await sandbox.files.remove(`${directory}/gone`);
    await heard.until((all) => all.length > 0);
    deepEqual(heard.all.map(told), ["remove ."]);
    await handle.stop();
  },

  "what is missing, or no directory": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/file`, "");
    await failure(sandbox.files.watchDir(`${directory}/none`, () => {}), FileNotFoundError, "not found");
    await failure(sandbox.files.watchDir(`${directory}/file`, () => {}), InvalidArgumentError, "not a directory");
  },
});
