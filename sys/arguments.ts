/** Command line options, in the forms `--name value`, `--name=value` and `--flag`; getopt_long(3). */

/** A command line that cannot be understood, with a sentence that says what to do. */
export class UsageError extends Error {}

/** Walks the arguments of a program, of which the first is its name. */
export class ArgumentReader {
  /** Whether `-name` means `--name`, as Go's package flag has it. */
  takesOneDash = false;
  private readonly words: string[];
  private next = 1;
  private inline: string | undefined;

  constructor(words: string[]) {
    this.words = words;
  }

  /** The next option's name with its dashes, or a plain word; undefined at the end. Throws UsageError. */
  read(): string | undefined {
    if (this.inline !== undefined) throw new UsageError(`${this.words.at(this.next - 1) ?? ""}: this option takes no value`);
    const given = this.words.at(this.next);
    if (given === undefined) return undefined;
    this.next++;
    const isShort = !this.takesOneDash || given.length < 3 || !given.startsWith("-") || given.startsWith("--");
    const word = isShort ? given : `-${given}`;
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

  /** Whether a flag is on: it is, unless `=false` says otherwise. Throws UsageError. */
  flag(option: string): boolean {
    const value = this.inline ?? "true";
    this.inline = undefined;
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new UsageError(`${option}: write true or false, not ${value}`);
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
