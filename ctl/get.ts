/** `motectl get`: a file of the guest to here. */
import { JsonValue } from "../json/value.ts";
import { FrameType } from "../smolvm/frame.ts";
import { type ArgumentReader, UsageError } from "../sys/arguments.ts";
import { Interrupts } from "../sys/interrupts.ts";
import { terminalColumns } from "../sys/terminal.ts";
import { Command } from "./command.ts";
import { type Destination, FileDestination, StdoutDestination } from "./destination.ts";
import type { Endpoint } from "./endpoint.ts";
import { newRequest, Peer } from "./peer.ts";
import { Progress } from "./progress.ts";

const STDOUT = 1;
const EXIT_FAILURE = 1;
/** What the guest says may not make a program of it that runs as somebody else. */
const MODE_MASK = 0o777;
const USUAL_MODE = 0o600;

export class GetCommand extends Command {
  private remote = "";
  private local = "";

  constructor() {
    super("get", EXIT_FAILURE);
  }

  override takeOption(_option: string, _reader: ArgumentReader): boolean {
    return false;
  }

  override takeWord(word: string, _reader: ArgumentReader): void {
    if (this.remote === "") this.remote = word;
    else if (this.local === "") this.local = word;
    else throw this.surplus(word);
  }

  override check(): void {
    if (this.local === "") throw new UsageError("get needs two paths; write get REMOTE LOCAL");
  }

  override perform(endpoint: Endpoint): number {
    const toStdout = this.local === "-";
    if (!toStdout) FileDestination.check(this.local);
    const peer = Peer.connect(endpoint);
    // A temporary must not outlive this program. Where there is none, a signal may just end it.
    if (!toStdout) peer.interrupts = new Interrupts();
    peer.request(newRequest("get_file").set("path", JsonValue.string(this.remote)));
    const reply = peer.nextReply();
    const mode = (reply.get("mode")?.asNumber() ?? USUAL_MODE) & MODE_MASK;
    const destination = newDestination(this.local, mode);
    const size = reply.get("size")?.asNumber() ?? 0;
    const progress = new Progress(this.remote, size, toStdout && terminalColumns(STDOUT) > 0);
    try {
      receive(peer, destination, progress);
    } catch (error) {
      destination.discard();
      progress.abandon();
      throw error;
    }
    destination.finish();
    progress.finish();
    return 0;
  }
}

function newDestination(path: string, mode: number): Destination {
  if (path === "-") return new StdoutDestination();
  return new FileDestination(path, mode);
}

/** Writes what comes until the EOF frame. The announced size means nothing: a file may change while it is read. */
function receive(peer: Peer, destination: Destination, progress: Progress): void {
  while (peer.nextFrame()) {
    if (peer.frameType === FrameType.EOF) return;
    if (peer.frameType !== FrameType.DATA) throw peer.surprise();
    for (let length = peer.takePiece(); length > 0; length = peer.takePiece()) {
      destination.write(peer.buffer, peer.pieceStart, peer.pieceStart + length);
      progress.add(length);
    }
  }
  throw peer.silence();
}
