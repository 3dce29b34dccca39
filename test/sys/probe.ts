// Pieces of sys/ as a program, so that tests can ask the native host the same as Bun. usage: probe COMMAND [ARGUMENT...]

import { hex } from "../../sys/bytes.ts";
import { sha256, sha512 } from "../../sys/digest.ts";
import { programArguments } from "../../sys/environ.ts";
import { SysError } from "../../sys/errno.ts";
import { exit, writeText } from "../../sys/stdio.ts";
import { readWhole } from "../../sys/whole-file.ts";

const INPUT_MAX = 64 * 1024 * 1024;

function print(line: string): void {
  writeText(1, `${line}\n`);
}

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += hex(byte, 2);
  return text;
}

/** digest FILE */
function digest(path: string): void {
  const bytes = readWhole(path, INPUT_MAX);
  print(hexOf(sha256(bytes)));
  print(hexOf(sha512(bytes)));
}

function main(): number {
  const words = programArguments();
  const command = words.at(1) ?? "";
  const first = words.at(2) ?? "";
  try {
    if (command === "digest") digest(first);
    else return 2;
    return 0;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    writeText(2, `${error.describe()}\n`);
    return 1;
  }
}

exit(main());
