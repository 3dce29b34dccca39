/** What answers a request once it has its turn. */

/** An operation that is under way on a connection. It calls the connection; the connection calls these. */
export abstract class Operation {
  /** The Ready bits that it waits for while nothing is pending. With NONE only a hang-up is noticed. */
  readonly interest: number;

  constructor(interest: number) {
    this.interest = interest;
  }

  /** The peer has sent something, or has gone: read it. */
  abstract onReadable(): void;

  /** Everything sent so far has left: send more. */
  abstract onWritable(): void;

  /** The peer sends no more; whether it still reads, only sending tells. Called once, on transports that cannot tell. */
  onPeerShut(): void {}

  /** The peer is gone and the connection closed: stop, remove what is half done. */
  abstract onPeerGone(): void;
}
