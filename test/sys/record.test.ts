// The state that outlives a worker: read whole, or refused.

import { afterAll, expect, test } from "bun:test";
import { ftruncateSync, readSync, writeSync } from "node:fs";
import { close } from "../../sys/file.ts";
import { GROUPS_BYTES } from "../../sys/groups.ts";
import { createRecordFile, GROUPS_OFFSET, RecordError, STATE_MAX, StateRecord } from "../../sys/record.ts";

const files: number[] = [];
afterAll(() => files.forEach(close));

function newFile(): number {
  const fd = createRecordFile();
  files.push(fd);
  return fd;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (fd: number): string => new TextDecoder().decode(new StateRecord(fd).read());

/** Where the header and the state lie in the file. */
const header = 4096;
const state = header + 20;

test("no state is an empty one", () => {
  expect(new StateRecord(newFile()).read()).toHaveLength(0);
});

test("what one has written another reads, the latest alone", () => {
  const fd = newFile();
  const record = new StateRecord(fd);
  for (const text of ["first", "a longer one than the first", "", "last"]) {
    expect(record.write(bytes(text))).toBe(true);
    expect(textOf(fd)).toBe(text);
  }
});

test("the sequence goes on from one writer to the next", () => {
  const fd = newFile();
  const sequence = (): number => {
    const word = Buffer.alloc(4);
    readSync(fd, word, 0, 4, header + 8);
    return word.readUInt32LE();
  };
  new StateRecord(fd).write(bytes("a"));
  const next = new StateRecord(fd);
  next.read();
  next.write(bytes("b"));
  expect(sequence()).toBe(2);
});

test.each([
  ["magic number", header],
  ["format", header + 4],
  ["length", header + 12],
  ["a length beyond the file", header + 15],
  ["checksum", header + 16],
  ["state", state],
  ["end of the state", state + 4],
])("damage is refused: %s", (_, at) => {
  const fd = newFile();
  new StateRecord(fd).write(bytes("state"));
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  writeSync(fd, Buffer.from([(byte[0] ?? 0) ^ 0x81]), 0, 1, at);
  expect(() => new StateRecord(fd).read()).toThrow(RecordError);
});

test("a writer that died between header and state is noticed", () => {
  const fd = newFile();
  const other = newFile();
  new StateRecord(fd).write(bytes("old state"));
  new StateRecord(other).write(bytes("new state"));
  const torn = Buffer.alloc(20);
  readSync(other, torn, 0, 20, header);
  writeSync(fd, torn, 0, 20, header);
  expect(() => textOf(fd)).toThrow(RecordError);
});

test("a state that is too large is refused, and the one before stays", () => {
  const fd = newFile();
  const record = new StateRecord(fd);
  expect(record.write(new Uint8Array(STATE_MAX).fill(7))).toBe(true);
  expect(new StateRecord(fd).read()).toEqual(new Uint8Array(STATE_MAX).fill(7));
  record.write(bytes("before"));
  expect(record.write(new Uint8Array(STATE_MAX + 1))).toBe(false);
  expect(textOf(fd)).toBe("before");
});

test("a state leaves the table of groups alone, and nobody changes the file's size", () => {
  const fd = newFile();
  const table = Buffer.alloc(GROUPS_BYTES, 1);
  writeSync(fd, table, 0, table.length, GROUPS_OFFSET);
  new StateRecord(fd).write(new Uint8Array(STATE_MAX).fill(2));
  const after = Buffer.alloc(GROUPS_BYTES);
  readSync(fd, after, 0, after.length, GROUPS_OFFSET);
  expect(after).toEqual(table);
  for (const size of [0, 2 * 1024 * 1024]) expect(() => ftruncateSync(fd, size)).toThrow("EPERM");
});

test("a secret lies beside the state, and nothing is left of the one before", () => {
  const fd = newFile();
  const record = new StateRecord(fd);
  expect(record.secret()).toHaveLength(0);
  record.write(new Uint8Array(STATE_MAX).fill(7));
  const longest = new Uint8Array(4092).fill(9);
  const page = (): Buffer => {
    const content = Buffer.alloc(4096);
    expect(readSync(fd, content, 0, content.length, 1024 * 1024 - content.length)).toBe(content.length);
    return content;
  };
  for (const secret of [bytes("a secret"), longest, bytes("short"), bytes("")]) {
    record.setSecret(secret);
    expect(new StateRecord(fd).secret()).toEqual(secret);
    expect(page().subarray(4 + secret.length)).toEqual(Buffer.alloc(4092 - secret.length));
    expect(record.read()).toHaveLength(STATE_MAX);
  }
  record.setSecret(longest);
  record.setSecret(new Uint8Array(4093).fill(9));
  expect(record.secret()).toHaveLength(0);
  expect(page()).toEqual(Buffer.alloc(4096));
});

test("a secret whose length is damaged is some bytes, and no more than there are", () => {
  const fd = newFile();
  writeSync(fd, Buffer.alloc(4, 0xff), 0, 4, 1024 * 1024 - 4096);
  expect(new StateRecord(fd).secret()).toHaveLength(4092);
});
