/** `motectl put`: a local file into the guest. */
import { JsonValue } from "../json/value.ts";
import { CHUNK_BYTES, FrameType, HEADER_BYTES, writeHeader } from "../smolvm/frame.ts";
import { type ArgumentReader, UsageError } from "../sys/arguments.ts";
import { consistsOf } from "../sys/bytes.ts";
import { Command } from "./command.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failure } from "./failure.ts";
import { newRequest, Peer } from "./peer.ts";
import { Progress } from "./progress.ts";
import { Source } from "./source.ts";

const EXIT_FAILURE = 1;
const OCTAL_DIGITS = "01234567";
/** No mode given. */
const NONE = -1;
/**
 * Announced where the size is not known, 2^53-1: the agent stores what came before an EOF frame, and nothing when the
 * connection ends without one.
 */
const UNKNOWN_SIZE = Number.MAX_SAFE_INTEGER;

export class PutCommand extends Command {
  private local = "";
  private remote = "";
  private mode = NONE;

  constructor() {
    super("put", EXIT_FAILURE);
  }

  override takeOption(option: string, reader: ArgumentReader): boolean {
    if (option !== "--mode") return false;
    this.mode = parseMode(reader.value(option));
    return true;
  }

  override takeWord(word: string, _reader: ArgumentReader): void {
    if (this.local === "") this.local = word;
    else if (this.remote === "") this.remote = word;
    else throw this.surplus(word);
  }

  override check(): void {
    if (this.remote === "") throw new UsageError("put needs two paths; write put LOCAL REMOTE");
  }

  override perform(endpoint: Endpoint): number {
    const source = Source.open(this.local);
    const peer = Peer.connect(endpoint);
    peer.request(this.newRequest(source));
    const progress = new Progress(this.remote, source.size, false);
    try {
      const isWhole = send(source, peer, progress);
      peer.nextReply();
      if (!isWhole) throw new Failure(`the agent at ${endpoint.text} was content before it had all of ${this.local}`);
    } catch (error) {
      progress.abandon();
      throw error;
    }
    progress.finish();
    return 0;
  }

  private newRequest(source: Source): JsonValue {
    const mode = this.mode >= 0 ? this.mode : source.mode;
    const request = newRequest("put_file").set("path", JsonValue.string(this.remote));
    request.set("size", JsonValue.number(source.size < 0 ? UNKNOWN_SIZE : source.size));
    return mode < 0 ? request : request.set("mode", JsonValue.number(mode));
  }
}

/** Sends the file as frames. Returns false where the peer did not take all of it. */
function send(source: Source, peer: Peer, progress: Progress): boolean {
  const buffer = new Uint8Array(HEADER_BYTES + CHUNK_BYTES);
  for (;;) {
    const length = source.read(buffer, HEADER_BYTES, CHUNK_BYTES);
    if (length === 0) break;
    writeHeader(buffer, 0, FrameType.DATA, length);
    if (!peer.send(buffer, 0, HEADER_BYTES + length)) return false;
    progress.add(length);
  }
  writeHeader(buffer, 0, FrameType.EOF, 0);
  // An agent that knew the size has its answer ready already and may be gone.
  return peer.send(buffer, 0, HEADER_BYTES) || source.size >= 0;
}

function parseMode(text: string): number {
  if (!consistsOf(text, OCTAL_DIGITS, 5) || parseInt(text, 8) > 0o7777) {
    throw new UsageError(`--mode ${text}: write permission bits in octal, as in 0755`);
  }
  return parseInt(text, 8);
}
