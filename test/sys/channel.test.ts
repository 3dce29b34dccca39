// Texts and descriptors between two processes.

import { afterEach, expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChannelPair, receiveMessage, sendMessage } from "../../sys/channel.ts";
import { Errno } from "../../sys/errno.ts";
import { close } from "../../sys/file.ts";
import { descriptors } from "../proc.ts";
import { remove, scratchDirectory } from "../scratch.ts";

let open: number[] = [];
afterEach(() => {
  open.forEach(close);
  open = [];
});

function pair(): ChannelPair {
  const ends = ChannelPair.open();
  open.push(ends.ours, ends.theirs);
  return ends;
}

function closeEnd(fd: number): void {
  open = open.filter((other) => other !== fd);
  close(fd);
}

test("texts come whole, in order, in both directions", () => {
  const { ours, theirs } = pair();
  const texts = ["a", "listen unix:/tmp/ü", "x".repeat(4096), "\0"];
  for (const text of texts) expect(sendMessage(ours, text, [])).toBe(0);
  expect(sendMessage(theirs, "back", [])).toBe(0);
  expect(texts.map(() => receiveMessage(theirs))).toEqual(texts.map((text) => ({ text, fds: [] })));
  expect(receiveMessage(ours)).toEqual({ text: "back", fds: [] });
});

test("descriptors come with their text, close-on-exec, and stay the sender's too", () => {
  const { ours, theirs } = pair();
  const directory = scratchDirectory();
  writeFileSync(join(directory, "file"), "content");
  const file = openSync(join(directory, "file"), "r");
  remove(directory);
  sendMessage(ours, "without", []);
  expect(sendMessage(ours, "with", [file, file])).toBe(0);
  expect(fstatSync(file).size).toBe(7);
  closeSync(file);
  expect(receiveMessage(theirs)).toEqual({ text: "without", fds: [] });
  const message = receiveMessage(theirs);
  const [fd = -1, other = -1] = message?.fds ?? [];
  open.push(fd, other);
  expect(fstatSync(other).ino).toBe(fstatSync(fd).ino);
  expect(message?.text).toBe("with");
  const content = Buffer.alloc(7);
  readSync(fd, content);
  expect(content.toString()).toBe("content");
  const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1];
  expect(Number.parseInt(flags ?? "", 8) & 0o2000000).toBe(0o2000000);
});

test("nothing there is no message", () => {
  const { ours } = pair();
  expect(receiveMessage(ours)).toBeUndefined();
});

test("the other side's end comes after what it has said, as an empty text", () => {
  const { ours, theirs } = pair();
  sendMessage(theirs, "last", []);
  closeEnd(theirs);
  expect([receiveMessage(ours)?.text, receiveMessage(ours)?.text, receiveMessage(ours)?.text]).toEqual(["last", "", ""]);
  expect(sendMessage(ours, "anybody?", [])).toBe(-Errno.EPIPE);
});

test("an end that left something unread is an end", () => {
  const { ours, theirs } = pair();
  sendMessage(ours, "unread", []);
  closeEnd(theirs);
  expect(receiveMessage(ours)).toEqual({ text: "", fds: [] });
});

test("a channel that is full says so, and takes more when it has been read", () => {
  const { ours, theirs } = pair();
  let result = 0;
  let sent = 0;
  while ((result = sendMessage(ours, "x".repeat(4096), [])) === 0) sent++;
  expect(result).toBe(-Errno.EAGAIN);
  expect(sent).toBeGreaterThan(0);
  receiveMessage(theirs);
  expect(sendMessage(ours, "y", [])).toBe(0);
});

test("a descriptor that is none is refused, and none is lost", () => {
  const { ours, theirs } = pair();
  const before = descriptors(process.pid);
  expect(sendMessage(ours, "with", [99_999])).toBe(-9); // EBADF
  expect(receiveMessage(theirs)).toBeUndefined();
  expect(descriptors(process.pid)).toBe(before);
});
