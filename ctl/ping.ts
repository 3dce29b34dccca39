/** `motectl ping` */
import type { ArgumentReader } from "../sys/arguments.ts";
import { printable } from "../sys/bytes.ts";
import { monotonicNow } from "../sys/clock.ts";
import { writeText } from "../sys/stdio.ts";
import { Command } from "./command.ts";
import type { Endpoint } from "./endpoint.ts";
import { newRequest, Peer } from "./peer.ts";
import { decimal } from "./units.ts";

const STDOUT = 1;
const EXIT_FAILURE = 1;

export class PingCommand extends Command {
  constructor() {
    super("ping", EXIT_FAILURE);
  }

  override takeOption(_option: string, _reader: ArgumentReader): boolean {
    return false;
  }

  override takeWord(word: string, _reader: ArgumentReader): void {
    throw this.surplus(word);
  }

  override check(): void {}

  override perform(endpoint: Endpoint): number {
    const peer = Peer.connect(endpoint);
    const sent = monotonicNow();
    peer.request(newRequest("ping"));
    const reply = peer.nextReply();
    const time = monotonicNow() - sent;
    const version = printable(reply.get("agent_version")?.asString() ?? "unknown");
    const protocol = reply.get("proto")?.text ?? "unknown";
    writeText(STDOUT, `${endpoint.text}: agent ${version}, protocol ${protocol}, round trip ${decimal(time, 2)} ms\n`);
    return 0;
  }
}
