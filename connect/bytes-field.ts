/** Messages that carry nothing but bytes, some levels down: the output of a process. Written without a copy in between. */
import { encodeText } from "../sys/bytes.ts";
import type { Field, MessageType } from "./schema.ts";
import { printBytes } from "./to-json.ts";
import { type MessageWriter, varintBytes } from "./writer.ts";

export class BytesField {
  private readonly numbers: readonly number[];
  /** What JSON has before the bytes, and behind them. */
  private readonly prefix: Uint8Array;
  private readonly suffix: Uint8Array;

  /** The bytes field at the end of a path of fields, each given by its number, the first one in a type. */
  constructor(type: MessageType, numbers: readonly number[]) {
    this.numbers = numbers;
    this.suffix = encodeText("}".repeat(numbers.length));
    const prefix = new Uint8Array(256);
    let size = 0;
    let inner: MessageType | undefined = type;
    for (const number of numbers) {
      const field: Field | undefined = inner?.numbered(number);
      if (field === undefined) throw new Error("no such field");
      prefix[size++] = 0x7b;
      prefix.set(field.key, size);
      size += field.key.length;
      inner = field.type;
    }
    this.prefix = prefix.slice(0, size);
  }

  /** Appends the message with bytes [start, end) in it, in the binary encoding. */
  write(out: MessageWriter, bytes: Uint8Array, start: number, end: number): void {
    const numbers = this.numbers;
    for (let outer = 0; outer < numbers.length; outer++) {
      // The length of what is within.
      let length = end - start;
      for (let inner = numbers.length - 1; inner > outer; inner--) {
        length += varintBytes((numbers[inner] ?? 0) * 8) + varintBytes(length);
      }
      out.header(numbers[outer] ?? 0, length);
    }
    out.write(bytes, start, end);
  }

  /** Appends it in JSON. */
  print(out: MessageWriter, bytes: Uint8Array, start: number, end: number): void {
    out.write(this.prefix, 0, this.prefix.length);
    printBytes(out, bytes, start, end);
    out.write(this.suffix, 0, this.suffix.length);
  }
}
