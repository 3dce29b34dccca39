// This program once more: its words, its name, what it hands over.

import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CStringVector, stringAt, vectorAt } from "../../sys/bytes.ts";
import { close, openNull } from "../../sys/file.ts";
import { adoptDescriptor, processId, selfVector, setProcessName } from "../../sys/self.ts";
import { call } from "#libc";
import { Call } from "../../sys/calls.ts";

const F_SETFD = 2;
const F_GETFD = 1;

const name = readFileSync("/proc/self/comm", "utf8").trim();
afterAll(() => setProcessName(name));

const wordsAt = (address: number): string[] => vectorAt(address).map(stringAt);

test("an address that was handed out stays good while nothing is added", () => {
  const vector = new CStringVector();
  for (const word of ["one", "two"]) vector.add(word);
  const address = vector.address();
  expect(vector.address()).toBe(address);
  expect(wordsAt(address)).toEqual(["one", "two"]);
  vector.add("three");
  expect(wordsAt(vector.address())).toEqual(["one", "two", "three"]);
});

test("the words that start this program end with the given ones", () => {
  const words = wordsAt(selfVector(["--resume", "7", ""]).address());
  expect(words[0]).toBe(process.execPath);
  expect(words.slice(-3)).toEqual(["--resume", "7", ""]);
});

test("a process has a number and a name", () => {
  expect(processId()).toBe(process.pid);
  setProcessName("mote-worker");
  expect(readFileSync("/proc/thread-self/comm", "utf8")).toBe("mote-worker\n");
});

test("a descriptor that is adopted goes to no child", () => {
  const fd = openNull();
  call(Call.fcntl, fd, F_SETFD, 0);
  adoptDescriptor(fd);
  expect(call(Call.fcntl, fd, F_GETFD, 0)).toBe(1);
  close(fd);
});
