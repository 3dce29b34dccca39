/** `motectl run`: a command in the guest as if it were one here. */
import { JsonValue } from "../json/value.ts";
import { FrameType } from "../smolvm/frame.ts";
import { type ArgumentReader, UsageError } from "../sys/arguments.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { writeText } from "../sys/stdio.ts";
import { Command } from "./command.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failure } from "./failure.ts";
import { writeOutput } from "./output.ts";
import { newRequest, Peer } from "./peer.ts";
import { commandLine } from "./shell.ts";

const STDOUT = 1;
const STDERR = 2;
// As timeout(1), env(1) and shells use them.
const EXIT_TIMEOUT = 124;
const EXIT_FAILURE = 125;
const EXIT_SIGNAL = 128;

export class RunCommand extends Command {
  private readonly env = JsonValue.object();
  private isRaw = false;
  /** Seconds; 0 means no limit. */
  private timeout = 0;
  private words: string[] = [];

  constructor() {
    super("run", EXIT_FAILURE);
  }

  override takeOption(option: string, reader: ArgumentReader): boolean {
    if (option === "--") this.words = reader.rest();
    else if (option === "-e" || option === "--env") this.takeVariable(reader.value(option));
    else if (option === "--timeout") this.timeout = parseSeconds(reader.value(option));
    else if (option === "--raw") this.isRaw = true;
    else return false;
    return true;
  }

  override takeWord(word: string, reader: ArgumentReader): void {
    this.words = [word].concat(reader.rest());
  }

  override check(): void {
    if (this.words.length > 0 && this.words.at(0) !== "") return;
    throw new UsageError("run needs a command; write run -- COMMAND...");
  }

  override perform(endpoint: Endpoint): number {
    const peer = Peer.connect(endpoint);
    const request = newRequest("run").set("cmd", JsonValue.string(commandLine(this.words)));
    request.set("shell", JsonValue.string(this.isRaw ? "raw" : "login")).set("env", this.env);
    peer.request(this.timeout > 0 ? request.set("timeout", JsonValue.number(this.timeout)) : request);
    while (peer.nextFrame()) {
      if (peer.frameType === FrameType.JSON) return exitCode(peer.takeReply());
      if (peer.frameType === FrameType.STDOUT) relay(peer, STDOUT);
      else if (peer.frameType === FrameType.STDERR) relay(peer, STDERR);
      else throw peer.surprise();
    }
    throw peer.silence();
  }

  private takeVariable(assignment: string): void {
    const equals = assignment.indexOf("=");
    if (equals <= 0) throw new UsageError(`-e ${assignment}: write -e NAME=VALUE`);
    this.env.set(assignment.slice(0, equals), JsonValue.string(assignment.slice(equals + 1)));
  }
}

function parseSeconds(text: string): number {
  const seconds = consistsOf(text, `${DIGITS}.`, 20) ? Number(text) : NaN;
  if (Number.isNaN(seconds)) throw new UsageError(`--timeout ${text}: write seconds, as in 10 or 0.5`);
  return seconds;
}

/** Writes the current frame's payload. */
function relay(peer: Peer, fd: number): void {
  for (let length = peer.takePiece(); length > 0; length = peer.takePiece()) {
    writeOutput(fd, peer.buffer, peer.pieceStart, peer.pieceStart + length);
  }
}

/** What the end of a command means for the one who waits for it. */
function exitCode(reply: JsonValue): number {
  if (reply.get("op")?.asString() === "timeout") {
    const seconds = reply.get("timeout")?.text ?? "";
    writeText(STDERR, `motectl: the command was killed: it took longer than ${seconds} s\n`);
    return EXIT_TIMEOUT;
  }
  const code = reply.get("exit_code")?.asNumber() ?? NaN;
  const isPlausible = Number.isInteger(code) && code > -EXIT_SIGNAL && code <= 255;
  if (!isPlausible) throw new Failure("the agent did not say how the command ended");
  return code < 0 ? EXIT_SIGNAL - code : code;
}
