/** One end of the channel between supervisor and worker: what is said leaves in order, however full the channel is. */
import { type Message, receiveMessage, sendMessage } from "../sys/channel.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { close, duplicate } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import { type Loop, Ready, Source } from "../sys/loop.ts";

/** What waits, with descriptors of its own. */
class Letter {
  readonly text: string;
  readonly fds: number[];

  constructor(text: string, fds: number[]) {
    this.text = text;
    this.fds = fds;
  }

  discard(): void {
    for (const fd of this.fds) close(fd);
  }
}

export abstract class ChannelEnd extends Source {
  readonly loop: Loop;
  private letters: Letter[] = [];

  constructor(loop: Loop, channel: number) {
    super(channel);
    this.loop = loop;
    loop.add(this, Ready.READABLE);
  }

  /** A message, whose descriptors are the receiver's. */
  abstract onMessage(message: Message): void;

  /** The other side is gone. */
  abstract onEnd(): void;

  /** Says something. The descriptors stay the caller's. */
  say(text: string, fds: number[]): void {
    if (this.letters.length === 0 && this.send(text, fds)) return;
    const copies: number[] = [];
    for (const fd of fds) copies.push(duplicate(fd));
    this.letters.push(new Letter(text, copies));
    this.loop.setEvents(this, Ready.READABLE | Ready.WRITABLE);
  }

  override onReady(ready: number): void {
    if ((ready & Ready.WRITABLE) !== 0) this.flush();
    this.read();
  }

  /** Takes what has been said, also by somebody who is gone. */
  read(): void {
    for (;;) {
      const message = receiveMessage(this.fd);
      if (message === undefined) return;
      if (message.text === "") return this.onEnd();
      this.onMessage(message);
    }
  }

  /** Forgets what has not left. The channel stays the caller's. */
  discard(): void {
    for (const letter of this.letters) letter.discard();
    this.letters = [];
    this.loop.remove(this);
  }

  private flush(): void {
    for (let letter = this.letters.at(0); letter !== undefined; letter = this.letters.at(0)) {
      if (!this.send(letter.text, letter.fds)) return;
      letter.discard();
      this.letters.shift();
    }
    this.loop.setEvents(this, Ready.READABLE);
  }

  /** Returns false where the channel is full. */
  private send(text: string, fds: number[]): boolean {
    const result = sendMessage(this.fd, text, fds);
    if (result === -Errno.EAGAIN) return false;
    // Nobody is there to hear it: that comes back as an end.
    if (result < 0 && result !== -Errno.EPIPE) log(Level.ERROR, new SysError("sendmsg", -result, text).describe());
    return true;
  }
}
