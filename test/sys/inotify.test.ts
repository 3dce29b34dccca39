// Decoding what inotify tells: as the kernel writes it, and as it never would.

import { expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { close } from "../../sys/file.ts";
import { addWatch, Change, InotifyReader, openInotify, removeWatch } from "../../sys/inotify.ts";
import { remove, scratchDirectory } from "../scratch.ts";

/** A decoder that reads these bytes. */
function readerOf(bytes: Uint8Array): [InotifyReader, () => boolean] {
  const directory = scratchDirectory();
  const path = join(directory, "events");
  writeFileSync(path, bytes);
  const fd = openSync(path, "r");
  rmSync(directory, { recursive: true });
  const reader = new InotifyReader();
  return [reader, () => reader.fill(fd) || (closeSync(fd), false)];
}

interface Event {
  watch: number;
  change: number;
  cookie: number;
  name: string;
}

function encode({ watch, change, cookie, name }: Event, padding: number): Buffer {
  const text = Buffer.from(name);
  const bytes = Buffer.alloc(16 + (name === "" ? 0 : text.length + 1 + padding));
  bytes.writeInt32LE(watch, 0);
  bytes.writeUInt32LE(change, 4);
  bytes.writeUInt32LE(cookie, 8);
  bytes.writeUInt32LE(bytes.length - 16, 12);
  text.copy(bytes, 16);
  return bytes;
}

function decodeAll(bytes: Uint8Array): Event[] {
  const events: Event[] = [];
  const [reader, fill] = readerOf(bytes);
  while (fill()) {
    while (reader.next()) events.push({ watch: reader.watch, change: reader.change, cookie: reader.cookie, name: reader.name });
  }
  expect(reader.taken).toBe(bytes.length);
  return events;
}

const word = fc.integer({ min: 0, max: 0xffffffff });
const name = fc.string({ unit: "binary", maxLength: 60 }).filter((text) => !text.includes("\0") && !/[\ufdd0-\ufdef]/.test(text));
const event = fc.record({ watch: fc.integer({ min: -1, max: 0x7fffffff }), change: word, cookie: word, name });

test("events come back as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(15)), { maxLength: 20 }), (events) => {
      const bytes = Buffer.concat(events.map(([one, padding]) => encode(one, padding)));
      expect(decodeAll(bytes)).toEqual(events.map(([one]) => one));
    }),
  );
});

test("bytes of any kind are decoded within their bounds", () => {
  const mutated = fc.tuple(fc.array(event, { maxLength: 5 }), fc.array(fc.tuple(fc.nat(200), fc.nat(255)))).map(([events, changes]) => {
    const bytes = Buffer.concat(events.map((one) => encode(one, 3)));
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), (bytes) => {
      expect(decodeAll(bytes).length).toBeLessThanOrEqual(Math.ceil(bytes.length / 16));
    }),
    { numRuns: 1000 },
  );
});

test("the kernel's own", () => {
  const directory = scratchDirectory();
  mkdirSync(join(directory, "d"));
  const inotify = openInotify();
  const watch = addWatch(inotify, directory, false);
  writeFileSync(join(directory, "f"), "");
  renameSync(join(directory, "d"), join(directory, "e"));
  removeWatch(inotify, watch);
  const reader = new InotifyReader();
  const seen: [string, number][] = [];
  while (reader.fill(inotify)) while (reader.next()) seen.push([reader.name, reader.change]);
  expect(seen).toContainEqual(["f", Change.CREATED]);
  expect(seen).toContainEqual(["d", Change.MOVED_FROM | Change.DIRECTORY]);
  expect(seen).toContainEqual(["e", Change.MOVED_TO | Change.DIRECTORY]);
  expect(seen.at(-1)).toEqual(["", Change.IGNORED]);
  expect(addWatch(inotify, join(directory, "f"), false)).toBe(-20);
  close(inotify);
  remove(directory);
});
