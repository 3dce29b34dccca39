/** `run`: a shell command, its two outputs streamed as they come, its exit code last. */
import { environAddress } from "#libc";
import type { JsonValue } from "../json/value.ts";
import { CStringVector } from "../sys/bytes.ts";
import { getenv, overlay } from "../sys/environ.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { close, read } from "../sys/file.ts";
import { Ready, Source } from "../sys/loop.ts";
import { type Child, Command, execError, killGroup, reap, spawn } from "../sys/process.ts";
import { Timer } from "../sys/timer.ts";
import { ArgumentError, isFalsy, toFloat, toMembers, toText } from "./arguments.ts";
import type { Connection } from "./connection.ts";
import { CHUNK_BYTES, FrameType, HEADER_BYTES, writeHeader } from "./frame.ts";
import type { Host } from "./host.ts";
import { Operation } from "./operation.ts";
import { osErrorText, pythonText } from "./python.ts";
import { exitReply, runErrorReply, timeoutReply } from "./reply.ts";

/** Frames that one stream may send before the loop goes on to others. */
const FRAMES_PER_TURN = 4;
const DEFAULT_SHELL = "/bin/sh";
const PROBE_INTERVAL_MS = 1000;

/** A checked `run` request. */
export class RunRequest {
  readonly argv: readonly string[];
  /** Seconds; 0 is no limit. */
  readonly timeout: number;
  readonly names: string[];
  readonly values: string[];

  private constructor(argv: readonly string[], timeout: number, names: string[], values: string[]) {
    this.argv = argv;
    this.timeout = timeout;
    this.names = names;
    this.values = values;
  }

  /** Reads the arguments; undefined where `cmd` is missing. Throws ArgumentError. */
  static parse(request: JsonValue): RunRequest | undefined {
    const cmd = request.get("cmd");
    if (cmd === undefined || isFalsy(cmd)) return undefined;
    const isRaw = request.get("shell")?.asString() === "raw";
    const shell = isRaw ? DEFAULT_SHELL : loginShell();
    const timeout = request.get("timeout");
    const seconds = timeout === undefined || isFalsy(timeout) ? 0 : toFloat(timeout);
    const names: string[] = [];
    const values: string[] = [];
    const env = request.get("env");
    if (env !== undefined && !isFalsy(env)) {
      for (const [name, member] of toMembers(env)) {
        const value = pythonText(member);
        if (name.includes("\0") || value.includes("\0")) throw new ArgumentError("embedded null byte");
        if (name.includes("=")) throw new ArgumentError("illegal environment variable name");
        names.push(name);
        values.push(value);
      }
    }
    return new RunRequest([shell, isRaw ? "-c" : "-lc", toText(cmd)], seconds, names, values);
  }
}

function loginShell(): string {
  const shell = getenv("SHELL");
  return shell === undefined || shell === "" ? DEFAULT_SHELL : shell;
}

/** One output of the command. */
class OutputPipe extends Source {
  readonly type: number;
  private run: RunOperation | undefined;

  constructor(run: RunOperation, fd: number, type: number) {
    super(fd);
    this.run = run;
    this.type = type;
  }

  get isOpen(): boolean {
    return this.run !== undefined;
  }

  override onReady(ready: number): void {
    this.run?.onOutput(this, (ready & Ready.HANGUP) !== 0);
  }

  override onFailure(): void {
    this.run?.giveUp();
  }

  close(): void {
    this.run = undefined;
    close(this.fd);
  }
}

export class RunOperation extends Operation {
  private readonly host: Host;
  /** Undefined once the peer is gone. */
  private connection: Connection | undefined;
  private readonly command: Command;
  /** Its place in the table of groups. */
  private readonly slot: number;
  private readonly child: Child;
  private readonly stdout: OutputPipe;
  private readonly stderr: OutputPipe;
  private readonly timeout: number;
  private deadline: Timer | undefined;
  private probe: Timer | undefined;
  private isTimedOut = false;
  private hasEnded = false;

  /** Starts the command. Throws SysError where that fails; nothing is left over then. */
  constructor(host: Host, connection: Connection, request: RunRequest) {
    super(Ready.NONE);
    this.host = host;
    this.connection = connection;
    this.timeout = request.timeout;
    const argv = new CStringVector();
    for (const argument of request.argv) argv.add(argument);
    const environment = request.names.length > 0 ? overlay(request.names, request.values) : undefined;
    this.command = new Command(request.argv.at(0) ?? "", argv, environment?.address() ?? environAddress(), "");
    this.slot = host.groups.take();
    this.child = spawn(this.command, host.groups, this.slot);
    this.stdout = new OutputPipe(this, this.child.stdout, FrameType.STDOUT);
    this.stderr = new OutputPipe(this, this.child.stderr, FrameType.STDERR);
  }

  /** Begins to stream, once the connection serves this operation. */
  start(): void {
    this.resume();
    if (this.timeout !== 0) {
      this.deadline = new Timer(() => this.onDeadline());
      this.host.loop.timers.start(this.deadline, this.timeout * 1000);
    }
    this.host.exits.watch(this.child.pid, () => this.onExit());
  }

  /** Sends what an output has, until the connection takes no more. */
  onOutput(pipe: OutputPipe, isHungUp: boolean): void {
    const buffers = this.host.buffers;
    for (let frames = 0; frames < FRAMES_PER_TURN && pipe.isOpen; frames++) {
      const buffer = buffers.take();
      const length = read(pipe.fd, buffer, HEADER_BYTES, CHUNK_BYTES);
      if (length <= 0) {
        buffers.give(buffer);
        if (length !== -Errno.EAGAIN) this.closePipe(pipe);
        break;
      }
      writeHeader(buffer, 0, pipe.type, length);
      const hasLeft = this.connection?.sendBuffer(buffer, HEADER_BYTES + length) === true;
      if (!hasLeft) return this.pause();
      // A short read has emptied the pipe, unless the writers are gone: then its end comes next.
      if (length < CHUNK_BYTES && !isHungUp) break;
    }
    this.endIfDone();
  }

  /** Drops the connection, and with it the command. */
  giveUp(): void {
    if (this.connection !== undefined) this.connection.abort();
    else this.stop();
  }

  override onReadable(): void {}

  /** The connection takes more. */
  override onWritable(): void {
    this.resume();
  }

  override onPeerGone(): void {
    this.connection = undefined;
    this.stop();
  }

  /**
   * Asks, with an empty frame now and then, whether somebody still reads: to a peer that is gone it brings a reset, and
   * with it `onPeerGone`. A host adds nothing to nothing.
   */
  override onPeerShut(): void {
    if (this.connection === undefined) return;
    const probe = new Timer(() => this.onPeerShut());
    this.probe = probe;
    this.host.loop.timers.start(probe, PROBE_INTERVAL_MS);
    // While something is pending, poll tells of a reset.
    if (this.connection.isBlocked) return;
    const buffer = this.host.buffers.take();
    writeHeader(buffer, 0, FrameType.STDOUT, 0);
    if (!this.connection.sendBuffer(buffer, HEADER_BYTES)) this.pause();
  }

  private onExit(): void {
    this.hasEnded = true;
    this.endIfDone();
  }

  private onDeadline(): void {
    this.isTimedOut = true;
    this.stop();
  }

  /** Kills the group and hears nothing more of it; what is left is to take the status. */
  private stop(): void {
    killGroup(this.child.pid);
    this.closePipe(this.stdout);
    this.closePipe(this.stderr);
    this.endIfDone();
  }

  private endIfDone(): void {
    if (!this.hasEnded || this.stdout.isOpen || this.stderr.isOpen) return;
    // From here on the pid may be another's.
    this.host.groups.free(this.slot);
    const code = reap(this.child.pid);
    const failure = execError(this.child, this.command);
    close(this.child.status);
    if (this.deadline !== undefined) this.host.loop.timers.cancel(this.deadline);
    if (this.probe !== undefined) this.host.loop.timers.cancel(this.probe);
    this.deadline = undefined;
    this.probe = undefined;
    const connection = this.connection;
    this.connection = undefined;
    if (failure !== undefined) connection?.finish(runErrorReply(spawnErrorText(failure)), false);
    else connection?.finish(this.isTimedOut ? timeoutReply(this.timeout) : exitReply(code), false);
    this.host.onOperationEnded();
  }

  private closePipe(pipe: OutputPipe): void {
    if (!pipe.isOpen) return;
    this.host.loop.remove(pipe);
    pipe.close();
  }

  /** A source that waits for nothing would still be told of its hang-up, again and again: it leaves the loop. */
  private pause(): void {
    this.host.loop.remove(this.stdout);
    this.host.loop.remove(this.stderr);
  }

  private resume(): void {
    if (this.stdout.isOpen) this.host.loop.add(this.stdout, Ready.READABLE);
    if (this.stderr.isOpen) this.host.loop.add(this.stderr, Ready.READABLE);
  }
}

/** The answer to a command that could not start. */
export function spawnErrorText(error: SysError): string {
  return `spawn failed: ${osErrorText(error)}`;
}
