/** What serves a call lends to it: one who works for it, and one who takes what its client streams. */
import type { Message } from "./message.ts";

/** Works for a call that is answered later, or with a stream. */
export abstract class CallOwner {
  /** What was sent has left: more may be sent. */
  abstract onWritable(): void;

  /** The call is over before its owner has ended it: the peer is gone, or its time is up. */
  abstract onOver(): void;
}

/** Takes the messages that a client streams. */
export abstract class MessageReader {
  /**
   * A message, lent until this returns; it is taken in any case. Returns whether more are taken: otherwise `resume` of the
   * call is to come. An RpcError thrown here ends the call.
   */
  abstract onMessage(message: Message): boolean;

  /** There are no more messages. */
  abstract onEnd(): void;
}
