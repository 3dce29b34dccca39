/** A body that nobody needs: read to its end, so that the connection can go on. */
import { BodyReader } from "./roles.ts";

export class Discard extends BodyReader {
  private readonly onEnd: () => void;

  /** `onEnd` is called when the body has come whole. */
  constructor(onEnd: () => void) {
    super();
    this.onEnd = onEnd;
  }

  override onBody(_bytes: Uint8Array, start: number, end: number): number {
    return end - start;
  }

  override onBodyEnd(): void {
    this.onEnd();
  }

  override onBodyLost(): void {}
}
