/** Words for a shell command line, POSIX.1-2017 Shell Command Language section 2.2. */
import { consistsOf } from "../sys/bytes.ts";

/** Characters that no shell reads anything into. An equals sign is not among them: it can make an assignment. */
const PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+@%";

/** One shell word that means a text. */
export function shellWord(text: string): string {
  if (consistsOf(text, PLAIN, text.length)) return text;
  return `'${text.split("'").join(`'\\''`)}'`;
}

/** The command line that these words were meant as: a single one as it is, so that it can be a script of its own. */
export function commandLine(words: string[]): string {
  if (words.length === 1) return words.at(0) ?? "";
  const quoted: string[] = [];
  for (const word of words) quoted.push(shellWord(word));
  return quoted.join(" ");
}
