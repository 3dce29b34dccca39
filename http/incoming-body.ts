/** The body of the request that is being served: how far it has come, and whether somebody takes it. */
import { Framing } from "./framing.ts";
import type { RequestHead } from "./head.ts";
import type { Inbox } from "./inbox.ts";
import type { BodyReader } from "./roles.ts";

export class IncomingBody {
  private readonly framing = new Framing();
  /** Somebody reads it and takes more. */
  isWanted = false;
  /** The client sends it when it is told to; RFC 9110 section 10.1.1. */
  isHeldBack: boolean;

  /** Begins with the body that a head announces. Throws FramingError. */
  constructor(head: RequestHead) {
    this.framing.begin(head);
    this.isHeldBack = head.expectsContinue;
  }

  /** Whether all of it has been taken. */
  get isWhole(): boolean {
    return this.framing.isAtEnd;
  }

  /** Hands what has come to its reader, which may drop the connection meanwhile. Throws FramingError. */
  deliver(inbox: Inbox, reader: BodyReader): void {
    const bytes = inbox.bytes;
    const start = this.framing.next(bytes, 0, bytes.length);
    const end = this.framing.dataEnd;
    // Until all of it has been taken.
    this.isWanted = end === start;
    const taken = end > start ? reader.onBody(bytes, start, end) : 0;
    this.framing.take(taken);
    inbox.skip(start + taken);
    if (start + taken === end) this.isWanted = true;
  }
}
