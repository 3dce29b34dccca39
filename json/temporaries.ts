/**
 * The files that are to replace others when they are whole, entered in the state record: an agent that dies leaves them
 * behind, and the next one removes them; lifecycle.md 1.13.
 */
import { unlink } from "../sys/file.ts";
import { Level, log } from "../sys/log.ts";
import type { State } from "./state.ts";
import { JsonValue } from "./value.ts";

/** How the names of uploads begin, and what follows the destination's name in those of compositions. */
export const TEMPORARY_PREFIX = ".smolvm-put-";
export const COMPOSE_MARK = ".e2b-compose.";
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
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Only what an agent can have made, whatever the record says.
  if (name.startsWith(TEMPORARY_PREFIX) || name.includes(COMPOSE_MARK)) unlink(path);
}
