// Files of a test of sys/.

import { afterAll } from "bun:test";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";

/** A directory for the time of a file of tests, and names of their own in it. */
export function scratchFiles(): { readonly directory: string; fresh(): string } {
  const directory = scratchDirectory();
  afterAll(() => remove(directory));
  let count = 0;
  return { directory, fresh: () => join(directory, `${count++}`) };
}
