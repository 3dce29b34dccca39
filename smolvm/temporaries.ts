/**
 * The files that uploads are gathered in, entered in the state record: an agent that dies leaves them behind, and the
 * next one removes them; lifecycle.md 1.13.
 */
import type { State } from "../json/state.ts";
import { JsonValue } from "../json/value.ts";
import { unlink } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";

/** How their names begin. */
export const TEMPORARY_PREFIX = ".smolvm-put-";
/** The member of the state that lists them. */
const MEMBER = "temporaries";

export class Temporaries {
  /** Undefined where nobody would read it. */
  private readonly state: State | undefined;
  private paths: string[] = [];

  constructor(state: State | undefined) {
    this.state = state;
  }

  /** Enters a file that is about to be created. */
  add(path: string): void {
    if (this.state === undefined) return;
    this.paths.push(path);
    this.write(this.state);
  }

  /** Strikes a file off that is gone or has become what it was to replace. */
  remove(path: string): void {
    if (this.state === undefined) return;
    this.paths = this.paths.filter((other) => other !== path);
    this.write(this.state);
  }

  /** Removes what an agent before this one has left. */
  removeStale(): void {
    const state = this.state;
    if (state === undefined) return;
    if (state.isDamaged) log(Level.WARN, "the state record is damaged: files of broken uploads may be left");
    const listed = state.get(MEMBER);
    if (listed === undefined) return;
    for (const item of listed.items()) removeTemporary(item.asString() ?? "");
    this.write(state);
  }

  private write(state: State): void {
    const list = JsonValue.array();
    for (const path of this.paths) list.push(JsonValue.string(path));
    state.set(MEMBER, list);
  }
}

function removeTemporary(path: string): void {
  // Only what an upload can have made, whatever the record says.
  if (path.slice(path.lastIndexOf("/") + 1).startsWith(TEMPORARY_PREFIX)) unlink(path);
}
