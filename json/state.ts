/** What is to outlive a worker: the members of one object in the state record, each with its own owner; lifecycle.md 1.13. */
import { RecordError, type StateRecord } from "../sys/record.ts";
import { JsonError, parseJson } from "./parse.ts";
import { printJson } from "./print.ts";
import { JsonValue } from "./value.ts";

export class State {
  readonly record: StateRecord;
  /** What a worker before this one has written cannot be trusted, and is lost. */
  readonly isDamaged: boolean;

  constructor(record: StateRecord) {
    this.record = record;
    this.isDamaged = this.read() === undefined;
  }

  /** What was last written as a member; undefined where nothing was. */
  get(name: string): JsonValue | undefined {
    return this.read()?.get(name);
  }

  /** Writes a member, whole; `JsonValue.null()` where it is not wanted any more. Returns false where there is no room. */
  set(name: string, value: JsonValue): boolean {
    const state = this.read() ?? JsonValue.object();
    return this.record.write(printJson(state.set(name, value)));
  }

  /** Undefined where it is damaged. */
  private read(): JsonValue | undefined {
    try {
      const bytes = this.record.read();
      return bytes.length === 0 ? JsonValue.object() : parseJson(bytes, 0, bytes.length);
    } catch (error) {
      if (!(error instanceof RecordError) && !(error instanceof JsonError)) throw error;
      return undefined;
    }
  }
}
