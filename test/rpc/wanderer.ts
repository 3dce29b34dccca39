// A client that does whatever the services offer, in an order of its own, and often leaves in the middle; envd-rpc.md 6.8.

import { expect } from "bun:test";
import { envelope } from "../connect/envelope.ts";
import { random } from "../random.ts";
import { CallError, type Codec } from "./call.ts";
import { failure } from "./cases.ts";
import { Client, type StartRequest } from "./client.ts";
import type { EventStream } from "./event-stream.ts";
import { Files, told } from "./files.ts";
import { HttpStream } from "./http.ts";
import { encodeInput } from "./input-stream.ts";

export class Wanderer {
  /** How often it has done what. */
  readonly done = new Map<string, number>();
  readonly #client: Client;
  readonly #files: Files;
  readonly #below: (bound: number) => number;
  readonly #place: string;
  #count = 0;

  /** `index` makes it another one than the others: its numbers, its names, its codec. */
  constructor(port: number, index: number) {
    const codec: Codec = index % 2 === 0 ? "json" : "proto";
    this.#client = new Client(port, codec);
    // A connection for each call: those that a pool keeps would count among what has been left behind.
    this.#files = new Files(port, codec, { headers: { Connection: "close" } });
    this.#below = random(index + 1);
    this.#place = `/srv/${index}`;
  }

  /** Does something, which must come out as it should; `limit` milliseconds later it counts as stuck. */
  async wander(limit: number): Promise<void> {
    const [name, act] = actions[this.#below(actions.length)] ?? actions[0];
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("stuck")), limit);
    try {
      await Promise.race([act(this), promise]);
    } catch (error) {
      throw new Error(`${name}, of ${this.#place}: ${String(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    this.done.set(name, (this.done.get(name) ?? 0) + 1);
  }

  #name(): string {
    return `${this.#place}/${this.#count++}`;
  }

  #leave(http: HttpStream): void {
    if (this.#below(2) === 0) http.reset();
    else http.close();
  }

  /** What is told of the end, and the output from here on. */
  async #end(stream: EventStream): Promise<{ output: string; status: string | undefined; code: string | undefined }> {
    const { stdout, pty, end, error } = await stream.outcome();
    stream.close();
    return { output: `${stdout.toString()}${pty.toString()}`, status: end?.status, code: error?.code };
  }

  async #started(request: StartRequest): Promise<EventStream> {
    const stream = await this.#client.start(request);
    await stream.started();
    return stream;
  }

  async run(): Promise<void> {
    const [size, code] = [this.#below(200_000), this.#below(256)];
    const { stdout, end } = await this.#client.run(`head -c ${size} /dev/zero; exit ${code}`);
    expect([stdout.length, end?.exitCode]).toEqual([size, code]);
  }

  async abandon(): Promise<void> {
    const tag = this.#name();
    const stream = await this.#started({ cmd: "/usr/bin/yes", tag, stdin: false });
    for (let left = this.#below(20); left > 0; left--) await stream.next();
    this.#leave(stream.http);
    const again = await this.#client.connect({ tag });
    await again.started();
    await this.#client.kill({ tag });
    expect((await this.#end(again)).status).toBe("signal: killed");
  }

  async type(): Promise<void> {
    const stream = await this.#started({ cmd: "/bin/cat" });
    const target = { pid: stream.pid };
    const input = await this.#client.streamInput();
    input.send({ start: { process: target } });
    const lines = Array.from({ length: 1 + this.#below(20) }, (_, i) => `line ${i}\n`);
    for (const line of lines) input.send({ data: { input: { stdin: Buffer.from(line) } } });
    if (this.#below(2) === 0) {
      const whole = lines.join("");
      expect(await stream.until(lines.at(-1) ?? "")).toBe(whole);
      const half = envelope(encodeInput(this.#client.codec, { data: { input: { stdin: Buffer.from("never") } } }));
      input.sendRaw(half.subarray(0, 8));
      this.#leave(input.http);
      lines.length = 0;
    } else {
      input.end();
      await input.answer();
      input.http.close();
    }
    await this.#client.stdin(target, "last");
    await this.#client.closeStdin(target);
    expect(await this.#end(stream)).toMatchObject({ output: `${lines.join("")}last`, status: "exit status 0" });
  }

  async terminal(): Promise<void> {
    const stream = await this.#started({ cmd: "/bin/cat", pty: { size: { cols: 80, rows: 24 } } });
    const target = { pid: stream.pid };
    await this.#client.update(target, { size: { cols: 100, rows: 30 } });
    await this.#client.input(target, { pty: Buffer.from("typed\n") });
    await stream.until("typed\r\ntyped\r\n");
    const number = this.#below(2) === 0 ? 9 : 15;
    await this.#client.signal(target, number);
    expect((await this.#end(stream)).status).toBe(number === 9 ? "signal: killed" : "signal: terminated");
  }

  async deadline(): Promise<void> {
    const stream = await this.#client.sh("exec sleep 1000", { timeout: 1 + this.#below(300) });
    expect((await this.#end(stream)).code).toBe("deadline_exceeded");
  }

  /** Whatever runs, of whomever; it may have ended meanwhile. */
  async follow(): Promise<void> {
    const pids = await this.#client.pids();
    const pid = pids[this.#below(pids.length)] ?? 999_999;
    const stream = await this.#client.connect({ pid });
    try {
      await stream.started();
    } catch (error) {
      if (!(error instanceof CallError) || error.code !== "not_found") throw error;
    }
    this.#leave(stream.http);
  }

  async half(): Promise<void> {
    const body = envelope(Buffer.from(JSON.stringify({ process: { cmd: "/bin/touch", args: ["/srv/half"] } })));
    const headers = { "Content-Type": "application/connect+json", "Content-Length": String(body.length) };
    const http = await HttpStream.open(this.#files.port, "/process.Process/Start", headers);
    http.send(body.subarray(0, this.#below(body.length)));
    this.#leave(http);
  }

  async refused(): Promise<void> {
    const nobody = { pid: 999_999 };
    expect((await failure(this.#client.kill(nobody))).code).toBe("not_found");
    expect((await failure(this.#client.update({}))).code).toBe("invalid_argument");
    expect((await failure(this.#files.stat(`${this.#place}/nothing`))).code).toBe("not_found");
    expect((await failure(this.#files.makeDir("/srv"))).code).toBe("already_exists");
  }

  async files(): Promise<void> {
    const path = this.#name();
    const { name } = await this.#files.makeDir(`${path}/a/b`);
    await this.#files.move(`${path}/a/b`, `${path}/c`);
    expect([name, (await this.#files.stat(`${path}/c`)).type]).toEqual(["b", "FILE_TYPE_DIRECTORY"]);
    expect((await this.#files.list(path, 2)).map((entry) => entry.name)).toEqual(["a", "c"]);
    await this.#files.remove(path);
  }

  async watch(): Promise<void> {
    const path = this.#name();
    await this.#files.makeDir(path);
    const stream = await unlessTooMany(this.#files.watching(path, { recursive: this.#below(2) === 0 }));
    await this.#files.makeDir(`${path}/x`);
    if (stream !== undefined) {
      expect(told([await stream.change()])).toEqual(["CREATE x"]);
      this.#leave(stream.http);
    }
    await this.#files.remove(path);
  }

  async watcher(): Promise<void> {
    const path = this.#name();
    await this.#files.makeDir(path);
    const id = await unlessTooMany(this.#files.createWatcher(path, { includeEntry: true }));
    await this.#files.makeDir(`${path}/x`);
    if (id !== undefined) {
      expect(told(await this.#files.events(id))).toEqual(["CREATE x", "CHMOD x"]);
      await this.#files.removeWatcher(id);
    }
    await this.#files.remove(path);
  }
}

/** Undefined where this user has as many watchers as one may: other programs on this machine have the most of them. */
async function unlessTooMany<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallError && error.message === "error creating watcher: inotify_init: Too many open files") return undefined;
    throw error;
  }
}

type Action = readonly [name: string, act: (wanderer: Wanderer) => Promise<void>];

const actions: readonly [Action, ...Action[]] = [
  ["run", (wanderer) => wanderer.run()],
  ["abandon", (wanderer) => wanderer.abandon()],
  ["type", (wanderer) => wanderer.type()],
  ["terminal", (wanderer) => wanderer.terminal()],
  ["deadline", (wanderer) => wanderer.deadline()],
  ["follow", (wanderer) => wanderer.follow()],
  ["half", (wanderer) => wanderer.half()],
  ["refused", (wanderer) => wanderer.refused()],
  ["files", (wanderer) => wanderer.files()],
  ["watch", (wanderer) => wanderer.watch()],
  ["watcher", (wanderer) => wanderer.watcher()],
];
