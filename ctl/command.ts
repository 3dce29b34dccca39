/** What motectl can be told to do. */
import { type ArgumentReader, UsageError } from "../sys/arguments.ts";
import type { Endpoint } from "./endpoint.ts";

export abstract class Command {
  readonly name: string;
  /** The exit code of a Failure. */
  readonly failureCode: number;

  constructor(name: string, failureCode: number) {
    this.name = name;
    this.failureCode = failureCode;
  }

  /** Takes an option of this command. Returns false where it has no such option. Throws UsageError. */
  abstract takeOption(option: string, reader: ArgumentReader): boolean;

  /** Takes a word that is no option. Throws UsageError. */
  abstract takeWord(word: string, reader: ArgumentReader): void;

  /** Throws UsageError where something is missing. */
  abstract check(): void;

  /** Does it. Returns the exit code. Throws Failure or SysError. */
  abstract perform(endpoint: Endpoint): number;

  /** For a word too many. */
  protected surplus(word: string): UsageError {
    return new UsageError(`'${word}': ${this.name} takes no more arguments`);
  }
}
