/** A certificate authority that the host wants trusted, in the bundle of all of them; envd-http.md 5.4. */
import { encodeText } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { ensureDirectories, NotDirectoryError } from "../sys/parents.ts";
import { indexOfBytes } from "../sys/search.ts";
import { Timer } from "../sys/timer.ts";
import { appendWhole, readWhole, replaceWhole } from "../sys/whole-file.ts";

const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const EXTRA_DIRECTORY = "/usr/local/share/ca-certificates";
const EXTRA = `${EXTRA_DIRECTORY}/e2b-ca.crt`;
const MAX_BYTES = 16 * 1024 * 1024;
const MODE = 0o644;
const NEWLINE = 0x0a;

export class CaBundle {
  private readonly loop: Loop;
  /** The text that was added last; empty for none. */
  private installed = "";
  /** What is to be taken out again; empty for nothing. */
  private previous = "";
  private readonly later = new Timer(() => this.finish());

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Adds a text to the bundle, unless it was the last one added; the rest of the work is done later. Throws SysError. */
  install(pem: string): void {
    const bytes = encodeText(pem);
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === NEWLINE) end -= 1;
    const text = `${pem.slice(0, pem.length - bytes.length + end)}\n`;
    if (text === this.installed) return;
    appendWhole(BUNDLE, encodeText(text));
    // One that is not taken out yet goes first.
    if (this.later.slot >= 0) this.finish();
    this.previous = this.installed;
    this.installed = text;
    this.loop.timers.start(this.later, 0);
  }

  /** Keeps the text in a file of its own, for those who make the bundle anew, and takes the one before out of the bundle. */
  private finish(): void {
    this.loop.timers.cancel(this.later);
    try {
      ensureDirectories(EXTRA_DIRECTORY, 0, 0);
      replaceWhole(EXTRA, encodeText(this.installed), MODE);
      if (this.previous !== "") remove(encodeText(this.previous));
    } catch (error) {
      if (error instanceof SysError) log(Level.WARN, error.describe());
      else if (error instanceof NotDirectoryError) log(Level.WARN, `${error.path} is no directory`);
      else throw error;
    }
  }
}

function remove(text: Uint8Array): void {
  const bundle = readWhole(BUNDLE, MAX_BYTES);
  const start = indexOfBytes(bundle, 0, bundle.length, text);
  if (start < 0) return;
  const rest = new Uint8Array(bundle.length - text.length);
  rest.set(bundle.subarray(0, start), 0);
  rest.set(bundle.subarray(start + text.length), start);
  replaceWhole(BUNDLE, rest, MODE);
}
