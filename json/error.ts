/**
 * A JSON text that is malformed or over a limit. The message names the offset.
 */
export class JsonError extends Error {
  /** Where, in bytes from the start of the text. */
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(what + " at byte " + offset);
    this.name = "JsonError";
    this.offset = offset;
  }
}
