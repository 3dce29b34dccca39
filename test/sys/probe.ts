// Pieces of sys/ as a program, so that tests can ask the native host the same as Bun. usage: probe COMMAND [ARGUMENT...]

import { base64Length, base64Text, decodedLength, decodeDigits, digitsEnd, encodeBase64 } from "../../sys/base64.ts";
import { decodeText, encodeText, hex } from "../../sys/bytes.ts";
import { realtime, setRealtime, Time } from "../../sys/clock.ts";
import { Deflater, GzipError, Inflater } from "../../sys/deflate.ts";
import { sha256, sha512 } from "../../sys/digest.ts";
import { programArguments } from "../../sys/environ.ts";
import { SysError } from "../../sys/errno.ts";
import { close, fstat, openForReading, read, writeSome } from "../../sys/file.ts";
import { changeOwnerOf } from "../../sys/node.ts";
import { openForOverwrite } from "../../sys/overwrite.ts";
import { ensureDirectories, NotDirectoryError } from "../../sys/parents.ts";
import { Accounts } from "../../sys/passwd.ts";
import { directoryOf } from "../../sys/path.ts";
import { statFileSystem } from "../../sys/space.ts";
import { indexOfByte } from "../../sys/search.ts";
import { exit, writeAll, writeText } from "../../sys/stdio.ts";
import { readText } from "../../sys/text.ts";
import { copyRange, sendFile } from "../../sys/transfer.ts";
import { readWhole } from "../../sys/whole-file.ts";
import { getAttribute, listAttributes, removeAttribute, setAttribute } from "../../sys/xattr.ts";

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

/** store PATH: parents, the file, a copy of it, what of it is sent to standard output, its status. */
function store(path: string): void {
  try {
    ensureDirectories(directoryOf(path), 1000, 1001);
  } catch (error) {
    if (!(error instanceof NotDirectoryError)) throw error;
    print(`not a directory: ${error.path}`);
    return;
  }
  const bytes = encodeText("content\n");
  const { fd, isNew } = openForOverwrite(path);
  const written = writeSome(fd, bytes, 3, bytes.length);
  changeOwnerOf(fd, path, 1002, -1);
  close(fd);
  const from = openForReading(path);
  const copy = openForOverwrite(`${path}.copy`);
  const copied = copyRange(from, copy.fd, 2);
  const sent = sendFile(1, from, 1, 100);
  const status = fstat(from);
  print(`${isNew} ${written} ${copied} ${sent} ${copyRange(1, 1, 1)} ${status.uid} ${status.mode} ${status.modifiedSeconds}`);
  print(`${statFileSystem(path).blocks}`);
}

/** user NAME DIRECTORY: all that is known of a user. */
function user(name: string, directory: string): void {
  const accounts = new Accounts(directory);
  const found = accounts.user(name);
  if (found === undefined) {
    print("unknown");
    return;
  }
  const { uid, gid, home, shell } = found;
  const groups = accounts.groupsOf(found).join(" ");
  print(`${accounts.userById(uid)?.name ?? ""}:${uid}:${accounts.groupName(gid) ?? ""}:${home}:${shell}:${groups}`);
}

/** deflate FILE SIZE, inflate FILE SIZE: through a stream in steps of a size, or what is wrong. */
function code(stream: Deflater | Inflater, path: string, step: number): void {
  const file = openForReading(path);
  const input = new Uint8Array(step);
  const output = new Uint8Array(step);
  let start = 0;
  let end = 0;
  let isLast = false;
  try {
    while (!stream.isEnd) {
      if (start === end && !isLast) {
        start = 0;
        end = read(file, input, 0, step);
        isLast = end === 0;
      }
      stream.step(input, start, end, isLast, output, 0, step);
      start += stream.consumed;
      writeAll(1, output, 0, stream.produced);
    }
  } catch (error) {
    if (!(error instanceof GzipError)) throw error;
    writeText(2, `${error.fault} ${error.message}`);
  }
  stream.close();
  close(file);
}

/** attributes FILE: some are set, read, listed, removed. */
function attributes(path: string): void {
  for (const [name, value] of [["user.a", "one"], ["user.b", ""]]) setAttribute(path, name ?? "", encodeText(value ?? ""));
  for (const name of ["user.a", "user.b", "user.c"]) {
    const value = getAttribute(path, name, 3);
    print(value === undefined ? "none" : decodeText(value, 0, value.length));
  }
  const names = listAttributes(path);
  print(`${names.length} ${names.includes("user.a")} ${names.includes("user.b")}`);
  print(`${removeAttribute(path, "user.a")} ${removeAttribute(path, "user.a")} ${listAttributes(path).join(" ")}`);
}

/** time: the time of day, and what is none. */
function time(): void {
  const now = realtime();
  print(`${now.seconds} ${now.nanoseconds}`);
  for (const wrong of [new Time(now.seconds, 1e9), new Time(9e9, 0), new Time(-1, 0)]) {
    try {
      setRealtime(wrong);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      print(error.describe());
    }
  }
}

/** base64 FILE: of the file from its second byte on, with padding and without. */
function base64(path: string): void {
  const bytes = readWhole(path, INPUT_MAX);
  const output = new Uint8Array(base64Length(bytes.length, true) + 3);
  for (const isPadded of [true, false]) {
    const length = encodeBase64(bytes, 1, bytes.length, output, 3, isPadded);
    writeAll(1, output, 3, 3 + length);
    print("");
  }
  print(base64Text(bytes, false));
}

/** unbase64 FILE: in hexadecimal what the digits of every line are. */
function unbase64(path: string): void {
  const bytes = readWhole(path, INPUT_MAX);
  for (let start = 0; start < bytes.length; ) {
    const stop = indexOfByte(bytes, start, bytes.length, 10);
    const end = digitsEnd(bytes, start, stop);
    const output = new Uint8Array(decodedLength(end - start) + 3);
    print(decodeDigits(bytes, start, end, output, 3) ? hexOf(output.slice(3)) : "no digits");
    start = stop + 1;
  }
}

/** hold FILE COUNT: how many pages so many streams take that have compressed the file, and after they are closed. */
function hold(path: string, count: number): void {
  const input = readWhole(path, INPUT_MAX);
  const output = new Uint8Array(65536);
  const before = residentPages();
  const held: Deflater[] = [];
  for (let i = 0; i < count; i++) {
    const stream = new Deflater();
    stream.step(input, 0, input.length, true, output, 0, output.length);
    held.push(stream);
  }
  const during = residentPages();
  for (const stream of held) stream.close();
  print(`${during - before} ${residentPages() - before}`);
}

function residentPages(): number {
  return Number(readText("/proc/self/statm", 1000).split(" ").at(1) ?? "");
}

function main(): number {
  const words = programArguments();
  const command = words.at(1) ?? "";
  const first = words.at(2) ?? "";
  const second = words.at(3) ?? "";
  try {
    if (command === "digest") digest(first);
    else if (command === "store") store(first);
    else if (command === "user") user(first, second);
    else if (command === "deflate") code(new Deflater(), first, Number(second));
    else if (command === "inflate") code(new Inflater(), first, Number(second));
    else if (command === "base64") base64(first);
    else if (command === "unbase64") unbase64(first);
    else if (command === "attributes") attributes(first);
    else if (command === "time") time();
    else if (command === "hold") hold(first, Number(second));
    else return 2;
    return 0;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    writeText(2, `${error.describe()}\n`);
    return 1;
  }
}

exit(main());
