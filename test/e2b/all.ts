// Every case, in the order of their run.

import { background } from "./background.ts";
import type { Case } from "./case.ts";
import { commands } from "./commands.ts";
import { entries } from "./entries.ts";
import { files } from "./files.ts";
import { headers } from "./headers.ts";
import { open, secured } from "./secured.ts";
import { terminals } from "./terminal.ts";
import { versions } from "./versions.ts";
import { watching } from "./watch.ts";

const usual: readonly Case[] = [
  ...commands, ...background, ...terminals, ...files, ...entries, ...watching, ...versions, ...headers,
];

/** What can be run, in the order of its run: for an agent that has a token, for one that has none, and of that the difference. */
export const suites = {
  secured: [...usual, ...secured],
  plain: [...usual, ...open],
  open,
} as const;

export type Suite = keyof typeof suites;
