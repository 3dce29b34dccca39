// The clients of connectrpc.com against both services: Connect and gRPC-Web, both codecs, every procedure; envd-rpc.md E06.

import { Code, type Transport } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { failure, protocols } from "../connect/transports.ts";
import { Daemon } from "../envd/daemon.ts";
import { until } from "../until.ts";
import { streamMethod, unaryMethod } from "./descriptors.ts";

setDefaultTimeout(hangLimit);

type Message = Readonly<Record<string, unknown>>;

/** A oneof of an answer: which member, and its value. */
interface Choice {
  readonly case: string;
  readonly value: Message;
}

/** A process, and its events behind the start. */
interface Running {
  readonly pid: number;
  readonly events: AsyncGenerator<Choice>;
}

interface Options {
  readonly signal?: AbortSignal;
  readonly timeout?: number;
  readonly user?: string;
}

function headersOf({ user }: Options): Record<string, string> {
  return user === undefined ? {} : { Authorization: `Basic ${Buffer.from(`${user}:`).toString("base64")}` };
}

class Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async unary(name: string, input: Message, options: Options = {}): Promise<Message> {
    const { message } = await this.#transport.unary(unaryMethod(name), options.signal, options.timeout, headersOf(options), input);
    return message as unknown as Message;
  }

  async *stream(name: string, inputs: readonly Message[], options: Options = {}): AsyncGenerator<Message> {
    async function* all() {
      yield* inputs;
    }
    const response = await this.#transport.stream(streamMethod(name), options.signal, options.timeout, headersOf(options), all());
    for await (const message of response.message) yield message as unknown as Message;
  }

  start(request: Message, options: Options = {}): Promise<Running> {
    return opened(this.stream("Start", [request], options));
  }

  connect(pid: number): Promise<Running> {
    return opened(this.stream("Connect", [selected(pid)]));
  }
}

function choiceOf(message: Message): Choice {
  return (message.event as { kind: Choice }).kind;
}

/** Start{cmd /bin/sh, args -c, script}. */
function sh(script: string, config: Message = {}): Message {
  return { process: { cmd: "/bin/sh", args: ["-c", script], ...config } };
}

/** Reads up to the start. */
async function opened(stream: AsyncGenerator<Message>): Promise<Running> {
  const first = await stream.next();
  if (first.done === true) throw new Error("no start");
  const { case: name, value } = choiceOf(first.value);
  expect(name).toBe("start");
  async function* rest() {
    for await (const message of stream) yield choiceOf(message);
  }
  return { pid: Number(value.pid), events: rest() };
}

function selected(pid: number): Message {
  return { process: { kind: { case: "pid", value: pid } } };
}

function input(kind: "stdin" | "pty", data: string): Message {
  return { kind: { case: kind, value: Buffer.from(data) } };
}

interface Outcome {
  stdout: string;
  stderr: string;
  pty: string;
  end: Message | undefined;
}

async function outcome(events: AsyncGenerator<Choice>): Promise<Outcome> {
  const result: Outcome = { stdout: "", stderr: "", pty: "", end: undefined };
  for await (const { case: name, value } of events) {
    if (name === "end") result.end = value;
    if (name !== "data") continue;
    const output = value.kind as { case: "stdout" | "stderr" | "pty"; value: Uint8Array };
    result[output.case] += Buffer.from(output.value).toString("latin1");
  }
  return result;
}

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

describe.each(protocols)("E06: %s", (name, transport) => {
  const connect = (): Client => new Client(transport(daemon.url));
  const directory = `/home/user/${name.replace(/\W+/g, "-")}`;
  const user = { user: "user" };

  test("Start: outputs, environment, directory, end", async () => {
    const script = 'echo "$A"; pwd; id -un; printf "\\377\\000" >&2; exit 3';
    const request = sh(script, { envs: { A: "é =" }, cwd: "/tmp" });
    const { stdout, stderr, end } = await outcome((await connect().start(request, user)).events);
    expect([Buffer.from(stdout, "latin1").toString(), stderr]).toEqual(["é =\n/tmp\nuser\n", "\xff\0"]);
    expect(end).toMatchObject({ exitCode: 3, exited: true, status: "exit status 3", error: "exit status 3" });
  });

  test("Start: 5 MB, all of them", async () => {
    const { stdout, end } = await outcome((await connect().start(sh("seq 1 700000"))).events);
    expect(stdout.length).toBe(4_788_895);
    expect(stdout.endsWith("699999\n700000\n")).toBe(true);
    expect(end).toMatchObject({ exitCode: 0, status: "exit status 0" });
  });

  test("List, SendInput, CloseStdin, Connect", async () => {
    const client = connect();
    const tag = `tag of ${name}`;
    const { pid, events } = await client.start({ ...sh("cat; exit 4"), tag });
    const { processes } = await client.unary("List", {}) as { processes: Message[] };
    expect(processes.find((process) => process.pid === pid)).toMatchObject({ tag, config: { cmd: "/bin/sh", args: ["-c", "cat; exit 4"] } });
    const other = await client.connect(pid);
    expect(other.pid).toBe(pid);
    await client.unary("SendInput", { ...selected(pid), input: input("stdin", "by pid\n") });
    await client.unary("SendInput", { process: { kind: { case: "tag", value: tag } }, input: input("stdin", "by tag\n") });
    await client.unary("CloseStdin", selected(pid));
    for (const each of [events, other.events]) {
      const { stdout, end } = await outcome(each);
      expect([stdout, end?.exitCode]).toEqual(["by pid\nby tag\n", 4]);
    }
  });

  test("StreamInput", async () => {
    const client = connect();
    const { pid, events } = await client.start(sh("head -n 1000"));
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`);
    const inputs = [
      { kind: { case: "start", value: selected(pid) } },
      { kind: { case: "keepalive", value: {} } },
      ...lines.map((line) => ({ kind: { case: "data", value: { input: input("stdin", line) } } })),
    ];
    const answers: Message[] = [];
    for await (const answer of client.stream("StreamInput", inputs)) answers.push(answer);
    expect(answers.length).toBe(1);
    expect((await outcome(events)).stdout).toBe(lines.join(""));
    const lost = client.stream("StreamInput", [{ kind: { case: "start", value: selected(999_999) } }]);
    expect((await failure(lost.next())).code).toBe(Code.NotFound);
  });

  test("SendSignal", async () => {
    const client = connect();
    for (const [signal, status] of [[9, "signal: killed"], [15, "signal: terminated"]] as const) {
      const { pid, events } = await client.start(sh("exec sleep 600"));
      await client.unary("SendSignal", { ...selected(pid), signal });
      expect((await outcome(events)).end).toMatchObject({ exitCode: -1, exited: false, status, error: status });
      const error = await failure(client.unary("SendSignal", { ...selected(pid), signal }));
      expect([error.code, error.rawMessage]).toEqual([Code.NotFound, `process with pid ${pid} not found`]);
    }
  });

  test("a terminal, and Update", async () => {
    const client = connect();
    const size = (cols: number, rows: number): Message => ({ pty: { size: { cols, rows } } });
    const { pid, events } = await client.start({ ...sh("stty size; read -r x; stty size; echo got $x"), ...size(80, 24) });
    await client.unary("Update", { ...selected(pid), ...size(100, 30) });
    await client.unary("SendInput", { ...selected(pid), input: input("pty", "typed\n") });
    const { pty, stdout } = await outcome(events);
    expect(pty).toContain("30 100\r\ngot typed\r\n");
    expect(stdout).toBe("");
  });

  test("a deadline", async () => {
    const client = connect();
    const { pid, events } = await client.start(sh("exec sleep 600"), { timeout: 1000 });
    expect((await failure(outcome(events))).code).toBe(Code.DeadlineExceeded);
    await until("the process is killed", 20, async () => {
      const { processes } = await client.unary("List", {}) as { processes: Message[] };
      return !processes.some((process) => process.pid === pid);
    });
  });

  test("a client that leaves", async () => {
    const client = connect();
    const abort = new AbortController();
    const { pid, events } = await client.start(sh("exec sleep 600"), { signal: abort.signal });
    abort.abort();
    expect((await failure(outcome(events))).code).toBe(Code.Canceled);
    const again = await client.connect(pid);
    await client.unary("SendSignal", { ...selected(pid), signal: 9 });
    expect((await outcome(again.events)).end).toMatchObject({ status: "signal: killed" });
  });

  test("errors before anything has come", async () => {
    const client = connect();
    expect((await failure(client.start(sh("true"), { user: "ghost" }))).code).toBe(Code.Unauthenticated);
    const missing = await failure(client.start(sh("true", { cwd: "/no/such" })));
    expect([missing.code, missing.rawMessage]).toEqual([Code.InvalidArgument, "cwd '/no/such' does not exist"]);
    expect((await failure(client.connect(999_999))).code).toBe(Code.NotFound);
  });

  test("MakeDir, Stat, Move, ListDir, Remove", async () => {
    const client = connect();
    const { entry } = await client.unary("MakeDir", { path: `${directory}/a/b` }, user) as { entry: Message };
    expect(entry).toMatchObject({ name: "b", type: 2, path: `${directory}/a/b`, mode: 0o755, permissions: "drwxr-xr-x", owner: "user", group: "user" });
    expect((await failure(client.unary("MakeDir", { path: `${directory}/a/b` }, user))).code).toBe(Code.AlreadyExists);
    const moved = await client.unary("Move", { source: `${directory}/a/b`, destination: `${directory}/a/c` }, user) as { entry: Message };
    expect(moved.entry).toMatchObject({ name: "c", type: 2 });
    const script = "printf 12345 >a/file; touch -d @1700000000.123456789 a/file; ln -s a/file link";
    await outcome((await client.start(sh(script, { cwd: directory }), user)).events);
    const file = await client.unary("Stat", { path: `${directory}/a/file` }) as { entry: Message };
    expect(file.entry).toMatchObject({ name: "file", type: 1, size: 5n, modifiedTime: { seconds: 1_700_000_000n, nanos: 123_456_789 } });
    expect(file.entry.symlinkTarget).toBe(undefined);
    const link = await client.unary("Stat", { path: `${directory}/link` }) as { entry: Message };
    expect(link.entry).toMatchObject({ type: 1, symlinkTarget: `${directory}/a/file` });
    const { entries } = await client.unary("ListDir", { path: directory, depth: 2 }) as { entries: Message[] };
    expect(entries.map((each) => each.path)).toEqual(["a", "a/c", "a/file", "link"].map((path) => `${directory}/${path}`));
    await client.unary("Remove", { path: directory });
    const gone = await failure(client.unary("Stat", { path: directory }));
    expect(gone.code).toBe(Code.NotFound);
  });

  test("WatchDir", async () => {
    const client = connect();
    await client.unary("MakeDir", { path: directory }, user);
    const abort = new AbortController();
    const watch = client.stream("WatchDir", [{ path: directory, recursive: true, includeEntry: true }], { ...user, signal: abort.signal });
    const next = async (): Promise<Choice> => {
      const { done, value } = await watch.next();
      if (done === true) throw new Error("the watch has ended");
      return (value as { kind: Choice }).kind;
    };
    expect((await next()).case).toBe("start");
    await client.unary("MakeDir", { path: `${directory}/sub` });
    const { case: kind, value } = await next();
    expect([kind, value]).toMatchObject(["filesystem", { name: "sub", type: 1, entry: { path: `${directory}/sub`, type: 2 } }]);
    abort.abort();
    expect((await failure(watch.next())).code).toBe(Code.Canceled);
    await client.unary("Remove", { path: directory });
    const missing = client.stream("WatchDir", [{ path: directory }]);
    expect((await failure(missing.next())).code).toBe(Code.NotFound);
  });

  test("CreateWatcher, GetWatcherEvents, RemoveWatcher", async () => {
    const client = connect();
    await client.unary("MakeDir", { path: directory }, user);
    const { watcherId } = await client.unary("CreateWatcher", { path: directory }) as { watcherId: string };
    await client.unary("MakeDir", { path: `${directory}/one` });
    await client.unary("Remove", { path: `${directory}/one` });
    const { events } = await client.unary("GetWatcherEvents", { watcherId }) as { events: Message[] };
    expect(events.map((event) => [event.type, event.name])).toEqual([[1, "one"], [5, "one"], [3, "one"]]);
    expect(await client.unary("GetWatcherEvents", { watcherId })).toMatchObject({ events: [] });
    await client.unary("RemoveWatcher", { watcherId });
    expect((await failure(client.unary("RemoveWatcher", { watcherId }))).code).toBe(Code.NotFound);
    await client.unary("Remove", { path: directory });
  });
});
