/** What a request's handler lends to its exchange: one who reads the body, and one who writes the response. */

/** Reads the body of a request. */
export abstract class BodyReader {
  /**
   * Bytes [start, end) of the body, which are lent until this returns. Returns how many of them it has taken: fewer than
   * all mean that it takes no more until `Exchange.resume` or `Exchange.resumeLater`.
   */
  abstract onBody(bytes: Uint8Array, start: number, end: number): number;

  /** The body is whole. */
  abstract onBodyEnd(): void;

  /** The peer is gone, or has broken the framing: the rest of the body does not come, and no answer arrives. */
  abstract onBodyLost(): void;
}

/** Writes the body of a response, or works towards one. */
export abstract class BodyWriter {
  /** What was sent has left: more may be sent. */
  abstract onWritable(): void;

  /** The peer is gone: what works for it ends. Nothing is to be sent any more. */
  abstract onPeerGone(): void;
}
