// The command line of a measurement: --quick, --help, and options of its own, each with a value.

import { parseArgs } from "node:util";

export class Options {
  readonly isQuick: boolean;
  readonly #values: ReadonlyMap<string, string>;

  private constructor(isQuick: boolean, values: ReadonlyMap<string, string>) {
    this.isQuick = isQuick;
    this.#values = values;
  }

  /** Reads the command line, on which `names` are options with a value. Prints `usage` and exits where that is asked for; throws on what it does not know. */
  static parse(usage: string, ...names: readonly string[]): Options {
    const flags = { quick: { type: "boolean" }, help: { type: "boolean" } } as const;
    const { values } = parseArgs({ options: { ...flags, ...Object.fromEntries(names.map((name) => [name, { type: "string" }] as const)) } });
    const { quick, help, ...others } = values;
    if (help === true) {
      console.log(usage);
      process.exit(0);
    }
    return new Options(quick === true, new Map(Object.entries(others).map(([name, value]) => [name, String(value)])));
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** The words of an option that lists them, separated by commas. */
  list(name: string): readonly string[] | undefined {
    return this.get(name)?.split(",");
  }

  /** --rounds, where it is said. */
  rounds(full: number, quick: number): number {
    return Number(this.get("rounds") ?? (this.isQuick ? quick : full));
  }

  /** What is done in all, with the rounds that --rounds says. */
  dose<Dose extends { readonly rounds: number }>(full: Dose, quick: Dose): Dose {
    return { ...(this.isQuick ? quick : full), rounds: this.rounds(full.rounds, quick.rounds) };
  }

  /** Whether --only names something, or nothing. */
  wants(name: string): boolean {
    return this.list("only")?.includes(name) ?? true;
  }

  /** Where the figures are written: what is short or a part does not take the place of the whole. `parts`: options that leave something out. */
  folder(...parts: readonly string[]): "bench" | "build/bench" {
    return this.isQuick || parts.some((name) => this.#values.has(name)) ? "build/bench" : "bench";
  }

  /** The same as a file, of this name where it is not the whole. */
  path(name: string, ...parts: readonly string[]): string {
    const folder = this.folder(...parts);
    return folder === "bench" ? `${folder}/results.md` : `${folder}/${name}.md`;
  }
}
