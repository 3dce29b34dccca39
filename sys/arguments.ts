/** Command line options, in the forms `--name value`, `--name=value` and `--flag`; getopt_long(3). */

/** A command line that cannot be understood, with a sentence that says what to do. */
export class UsageError extends Error {}

/** Walks the arguments of a program. */
export class ArgumentReader {
  private readonly words: string[];
  private next = 0;
  private inline: string | undefined;

  constructor(words: string[]) {
    this.words = words;
  }

  /** The next option's name with its dashes, or a plain word; undefined at the end. Throws UsageError. */
  read(): string | undefined {
    if (this.inline !== undefined) throw new UsageError(`${this.words.at(this.next - 1) ?? ""}: this option takes no value`);
    const word = this.words.at(this.next);
    if (word === undefined) return undefined;
    this.next++;
    const equals = word.indexOf("=");
    if (!word.startsWith("--") || equals < 0) return word;
    this.inline = word.slice(equals + 1);
    return word.slice(0, equals);
  }

  /** The value of the option that was read last. Throws UsageError where there is none. */
  value(option: string): string {
    const inline = this.inline;
    this.inline = undefined;
    if (inline !== undefined) return inline;
    const word = this.words.at(this.next);
    if (word === undefined) throw new UsageError(`${option} needs a value`);
    this.next++;
    return word;
  }

  /** Passes over a value that the option read last does not take. */
  drop(): void {
    this.inline = undefined;
  }

  /** Everything that has not been read; it counts as read. */
  rest(): string[] {
    const words = this.words.slice(this.next);
    this.next = this.words.length;
    this.inline = undefined;
    return words;
  }
}
