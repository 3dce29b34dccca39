// Mutated messages for connect/, and mutated events of inotify(7), as a program of its own: a message costs microseconds
// so. usage: codecs COUNT SEED FIRST; message n depends on SEED and n alone. Exits with 1, naming n, where anything but an
// RpcError is thrown, or where what was read does not print and read again.

import { MessageRoom } from "../../connect/collector.ts";
import { ENVELOPE_BYTES, EnvelopeReader, Flag, putEnvelope } from "../../connect/envelope.ts";
import { RpcError } from "../../connect/error.ts";
import { messageFromJson } from "../../connect/from-json.ts";
import { inflate } from "../../connect/inflate.ts";
import { Message } from "../../connect/message.ts";
import type { MessageType } from "../../connect/schema.ts";
import { printMessage } from "../../connect/to-json.ts";
import { checkMessage } from "../../connect/wire.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { encodeText } from "../../sys/bytes.ts";
import { programArguments } from "../../sys/environ.ts";
import { InotifyReader } from "../../sys/inotify.ts";
import { Plumbing } from "../../sys/plumbing.ts";
import { exit, writeFully, writeText } from "../../sys/stdio.ts";
import { schema } from "../connect/types.ts";

const MODULUS = 2147483647;
const CAPACITY = 4096;

/** Lehmer's generator, exact in doubles. */
class Random {
  private state: number;

  constructor(seed: number, n: number) {
    this.state = ((seed % MODULUS) * 16807 + n * 48271 + 1) % MODULUS;
    if (this.state === 0) this.state = 1;
    // Neighbours part.
    for (let i = 0; i < 4; i++) this.below(2);
  }

  below(bound: number): number {
    this.state = (this.state * 48271) % MODULUS;
    return Math.floor((this.state / MODULUS) * bound);
  }
}

/** A message with everything, and one with little. */
function seedMessage(random: Random): MessageWriter {
  const writer = new MessageWriter();
  const mark = writer.open(1);
  writer.text(1, "text é 😀 \" \\ \n");
  writer.presentData(2, encodeText("raw bytes"), 0, random.below(10));
  writer.bool(3, true);
  writer.uint32(4, random.below(2) === 0 ? 7 : 4_000_000_000);
  for (let i = random.below(3); i > 0; i--) writer.entry(8, "key", "value");
  writer.uint32(9, random.below(10));
  const inner = writer.open(10);
  writer.text(1, "inner");
  const leaf = writer.open(3);
  writer.presentData(1, encodeText("leaf"), 0, 4);
  writer.close(leaf);
  writer.close(inner);
  for (let i = random.below(4); i > 0; i--) writer.presentText(11, "argument");
  writer.uint32(2000, 5);
  writer.close(mark);
  const choice = writer.open(2);
  if (random.below(2) === 0) writer.presentVarint(1, 300, 0);
  else writer.presentText(2, "tag");
  writer.close(choice);
  return writer;
}

/** What has limits and special cases in either codec. */
const PIECES = [
  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x0b\x0c", "\x80\x80\x80\x80\x08", "\x0e", "\x9b\x06\x9c\x06", "\x00", "null", "\"\\ud83d\"", "[[", "{\"all\":",
  "1e400", "-0", "\"count\":\"4294967295\"", "\"rawBytes\":\"__8=\"", "\"raw_bytes\":", "\\u0000", "}", ",", "\x02\x00\x00\x00\x02{}", "\x00\xff\xff\xff\xff",
];

function mutate(random: Random, source: Uint8Array, length: number, out: Uint8Array): number {
  let size = Math.min(length, CAPACITY);
  out.set(source.subarray(0, size), 0);
  for (let round = random.below(4); round > 0; round--) {
    const at = random.below(size + 1);
    switch (random.below(5)) {
      case 0:
        if (at < size) out[at] = random.below(256);
        break;
      case 1:
        if (at < size) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 2:
        size = at;
        break;
      case 3: {
        const text = PIECES.at(random.below(PIECES.length)) ?? "";
        const count = Math.min(text.length, CAPACITY - size);
        out.set(out.slice(at, size), at + count);
        for (let i = 0; i < count; i++) out[at + i] = text.charCodeAt(i) & 0xff;
        size += count;
        break;
      }
      default: {
        // A part of it once more, in front of itself.
        const count = Math.min(random.below(40), size - at, CAPACITY - size);
        out.set(out.slice(at, size), at + count);
        size += count;
      }
    }
  }
  return size;
}

let read = 0;

/** Everything that a service may ask for. */
function readAll(message: Message): void {
  const all = message.message(1);
  read += all.text(1).length + all.data(2).length + all.number(4) + all.map(8).size + all.number(9) + all.texts(11).length + all.number(2000);
  if (all.bool(3)) read += 1;
  const inner = all.message(10);
  read += inner.text(1).length + inner.message(3).data(1).length;
  const choice = message.message(2);
  for (let number = 1; number <= 5; number++) if (choice.has(number)) read += choice.number(number) + choice.text(number).length;
}

/** JSON that was read is a message, which prints, and what it prints is read again. */
function checkJson(type: MessageType, bytes: Uint8Array, size: number): void {
  const message = messageFromJson(type, bytes, 0, size);
  readAll(message);
  const { start, end } = message;
  checkMessage(type, message.bytes, start, end);
  const printed = new MessageWriter();
  printMessage(printed, type, message.bytes, start, end);
  readAll(messageFromJson(type, printed.bytes, 0, printed.size));
}

function checkBinary(type: MessageType, bytes: Uint8Array, size: number): void {
  checkMessage(type, bytes, 0, size);
  readAll(new Message(type, bytes, 0, size));
}

function checkEnvelopes(random: Random, bytes: Uint8Array, size: number): void {
  const reader = new EnvelopeReader(random.below(2) === 0 ? Flag.END : Flag.TRAILERS, random.below(2) === 0, new MessageRoom());
  for (let at = 0; at < size; ) {
    const end = Math.min(size, at + 1 + random.below(20));
    const taken = reader.take(bytes, at, end);
    if (taken < 1 || taken > end - at) throw new Error("it takes what is not there");
    at += taken;
    if (!reader.isWhole) continue;
    read += reader.end - reader.start;
    if (reader.isCompressed) read += inflate(reader.bytes, reader.start, reader.end).length;
  }
  reader.close();
}

/** Some events as the kernel has them: which directory, what, of which rename, and a name padded with NULs. */
function seedEvents(random: Random, out: Uint8Array): number {
  const view = new DataView(out.buffer);
  let size = 0;
  for (let count = 1 + random.below(5); count > 0; count--) {
    const room = random.below(4) * 16;
    view.setInt32(size, random.below(5) - 1, true);
    view.setUint32(size + 4, 1 << random.below(31), true);
    view.setUint32(size + 8, random.below(3), true);
    view.setUint32(size + 12, room, true);
    size += 16;
    for (let at = 0; at < room; at++) out[size + at] = at < room - 1 - random.below(3) ? 0x61 + random.below(26) : 0;
    size += room;
  }
  return size;
}

/** A pipe in place of an inotify instance: what is written is what is read. */
class Events {
  readonly reader: number;
  readonly writer: number;
  private readonly events = new InotifyReader();

  constructor() {
    const plumbing = new Plumbing();
    this.reader = plumbing.pipe();
    this.writer = plumbing.last();
  }

  check(bytes: Uint8Array, size: number): void {
    if (size === 0) return;
    writeFully(this.writer, bytes, 0, size);
    const { events } = this;
    let count = 0;
    while (events.fill(this.reader)) {
      for (; events.next(); count++) read += events.watch + events.change + events.cookie + events.name.length;
    }
    // An event has 16 bytes at least.
    if (count * 16 > size) throw new Error("more events than there were");
  }
}

/** A gzip member in an envelope. */
const GZIP = "010000002e1f8b0800000000000203ab564accc951b2aa562a49ad2851b252ca48cdc9c9574022956a6b01c473c90224000000";

function bytesOf(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number(`0x${digits.slice(i * 2, i * 2 + 2)}`);
  return bytes;
}

const KINDS = ["binary", "JSON", "envelopes", "gzip in envelopes", "inotify"];

/** One message through everything; it is counted by its kind. Returns whether it was refused. */
function one(seed: number, n: number, type: MessageType, gzip: Uint8Array, events: Events, counts: number[], out: Uint8Array): boolean {
  const random = new Random(seed, n);
  const source = seedMessage(random);
  const kind = random.below(KINDS.length);
  counts[kind] = (counts.at(kind) ?? 0) + 1;
  let bytes = source.bytes;
  let size = source.size;
  if (kind === 1) {
    const text = new MessageWriter();
    printMessage(text, type, source.bytes, 0, source.size);
    bytes = text.bytes;
    size = text.size;
  } else if (kind === 2) {
    const stream = new MessageWriter(new Uint8Array(CAPACITY), 0);
    for (let i = random.below(4); i >= 0; i--) {
      stream.size += ENVELOPE_BYTES;
      const start = stream.size;
      if (i > 0) stream.write(bytes, 0, size);
      putEnvelope(stream.bytes, start, stream.size, i === 0 ? Flag.END : Flag.NONE);
    }
    bytes = stream.bytes;
    size = stream.size;
  } else if (kind === 3) {
    bytes = gzip;
    size = gzip.length;
  } else if (kind === 4) {
    bytes = new Uint8Array(512);
    size = seedEvents(random, bytes);
  }
  const length = mutate(random, bytes, size, out);
  try {
    if (kind === 0) checkBinary(type, out, length);
    else if (kind === 1) checkJson(type, out, length);
    else if (kind === 4) events.check(out, length);
    else checkEnvelopes(random, out, length);
    return false;
  } catch (error) {
    if (error instanceof RpcError) return true;
    throw error;
  }
}

function main(): number {
  const words = programArguments();
  const count = Number(words.at(1) ?? "1000");
  const seed = Number(words.at(2) ?? "1");
  const first = Number(words.at(3) ?? "0");
  const type = schema.type("Deep");
  const gzip = bytesOf(GZIP);
  const out = new Uint8Array(CAPACITY);
  const events = new Events();
  const counts: number[] = KINDS.map(() => 0);
  let refused = 0;
  for (let n = first; n < first + count; n++) {
    try {
      if (one(seed, n, type, gzip, events, counts, out)) refused += 1;
    } catch (error) {
      writeText(2, `codecs: message ${n} of seed ${seed}: ${error instanceof Error ? error.message : ""}\n`);
      return 1;
    }
  }
  writeText(1, `codecs: ${count} messages of seed ${seed}, ${refused} refused, ${read} read: ${KINDS.map((kind, i) => `${counts.at(i) ?? 0} ${kind}`).join(", ")}\n`);
  return 0;
}

exit(main());
