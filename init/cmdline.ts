/** The kernel's command line as options; lifecycle.md 1.7. */
import { decodeText, encodeText } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { readText } from "../sys/text.ts";

const TAB = 9;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
/** More than any architecture's COMMAND_LINE_SIZE. */
const LENGTH_MAX = 65536;

/** One word: `name=value`, or a name alone. */
export class Parameter {
  readonly name: string;
  /** Undefined where the word has no equals sign. */
  readonly value: string | undefined;

  constructor(name: string, value: string | undefined) {
    this.name = name;
    this.value = value;
  }
}

export class CommandLine {
  /** In the order they were written. */
  readonly parameters: Parameter[];

  constructor(parameters: Parameter[]) {
    this.parameters = parameters;
  }

  /**
   * Words are separated by white space outside double quotes, which group as the kernel's own parser has it: around a
   * whole word or around a value. Words after a lone `--` are arguments of init, not options.
   */
  static parse(text: string): CommandLine {
    const parameters: Parameter[] = [];
    for (const word of splitWords(text)) {
      if (word === "--") break;
      parameters.push(parseWord(word));
    }
    return new CommandLine(parameters);
  }

  /** The command line that the kernel was started with; empty where it cannot be read. */
  static read(): CommandLine {
    try {
      return CommandLine.parse(readText("/proc/cmdline", LENGTH_MAX));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return new CommandLine([]);
    }
  }

  /** The value of an option: of its last occurrence, where it is written several times. */
  get(name: string): string | undefined {
    let value: string | undefined;
    for (const parameter of this.parameters) {
      if (parameter.name === name && parameter.value !== undefined) value = parameter.value;
    }
    return value;
  }

  /** Whether a word without an equals sign is there. */
  has(word: string): boolean {
    for (const parameter of this.parameters) {
      if (parameter.name === word && parameter.value === undefined) return true;
    }
    return false;
  }
}

function splitWords(text: string): string[] {
  const words: string[] = [];
  const bytes = encodeText(text);
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i] ?? 0;
    if (code === QUOTE) isQuoted = !isQuoted;
    // White space in ASCII: tab to carriage return, and space.
    if (isQuoted || code > SPACE || (code !== SPACE && (code < TAB || code > RETURN))) continue;
    if (i > start) words.push(decodeText(bytes, start, i));
    start = i + 1;
  }
  if (bytes.length > start) words.push(decodeText(bytes, start, bytes.length));
  return words;
}

function parseWord(word: string): Parameter {
  const whole = unquote(word);
  const equals = whole.indexOf("=");
  // A word that is an equals sign in front has no name, and is nobody's option.
  if (equals <= 0) return new Parameter(whole, undefined);
  return new Parameter(whole.slice(0, equals), unquote(whole.slice(equals + 1)));
}

/** Without the quotes around a text; one that is never closed ends with the text. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const end = text.length > 1 && text.endsWith('"') ? text.length - 1 : text.length;
  return text.slice(1, end);
}
