/** A request that is refused; envd-http.md 2.5. */

/** Ends the handling of a request: the status, and the message of the error body. */
export class Failure extends Error {
  readonly status: number;
  /** Whether the message is plain text, not an error object. */
  readonly isText: boolean;

  constructor(status: number, message: string, isText = false) {
    super(message);
    this.status = status;
    this.isText = isText;
  }
}
