/** Finds the head of the next request in what a connection has received, and bounds what its coming takes. */
import { HeadError, HeadScanner, MORE } from "./head.ts";
import type { Inbox } from "./inbox.ts";
import type { Site } from "./site.ts";
import { Status } from "./status.ts";

const MAX_HEAD_BYTES = 1024 * 1024;
/** Heads of more than so many bytes may be coming at once, so many of them on all connections together. */
const SMALL_HEAD_BYTES = 16_384;
const MAX_LARGE_HEADS = 16;

export class HeadIntake {
  private readonly site: Site;
  /** Of a head that comes in pieces. */
  private scanner: HeadScanner | undefined;
  private isLarge = false;

  constructor(site: Site) {
    this.site = site;
  }

  /** The end of the head that the inbox begins with, MORE while it is not whole. Throws HeadError. */
  find(inbox: Inbox): number {
    const bytes = inbox.bytes;
    const end = (this.scanner ?? this.site.scanner).scan(bytes, bytes.length);
    if (end !== MORE && end <= MAX_HEAD_BYTES) {
      this.forget();
      return end;
    }
    if (bytes.length > MAX_HEAD_BYTES) throw new HeadError(Status.HEAD_TOO_LARGE, "the head is larger than 1 MiB");
    if (bytes.length > SMALL_HEAD_BYTES) this.holdMemory();
    return MORE;
  }

  /** Remembers how far it has looked. Returns whether the head has just begun. */
  wait(inbox: Inbox): boolean {
    if (this.scanner !== undefined) return false;
    const scanner = new HeadScanner();
    scanner.scan(inbox.bytes, inbox.length);
    this.site.scanner.reset();
    this.scanner = scanner;
    return true;
  }

  /** The head has been taken, or is not waited for any more. */
  forget(): void {
    this.scanner = undefined;
    const site = this.site;
    site.scanner.reset();
    if (this.isLarge) site.largeHeads -= 1;
    this.isLarge = false;
  }

  private holdMemory(): void {
    if (this.isLarge) return;
    const site = this.site;
    if (site.largeHeads === MAX_LARGE_HEADS) throw new HeadError(Status.UNAVAILABLE, "too many large heads at once");
    this.isLarge = true;
    site.largeHeads += 1;
  }
}
