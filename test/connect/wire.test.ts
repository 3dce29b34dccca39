import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Code } from "../../connect/code.ts";
import { RpcError } from "../../connect/error.ts";
import { all, decode, plain, read, readable, write, written } from "./messages.ts";
import { isMistyped, oracle } from "./schema.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(text.trim().split(/\s+/).filter((byte) => byte !== ""), (byte) => parseInt(byte, 16));

function refused(type: string, bytes: Uint8Array): void {
  let code = Code.OK;
  try {
    decode(type, bytes);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    code = error.code;
  }
  expect(code).toBe(Code.INVALID_ARGUMENT);
}

describe("written", () => {
  test("the bytes are the oracle's", () => {
    fc.assert(fc.property(all, (value) => {
      expect(write(value)).toEqual(toBinary(oracle("All"), plain(value)));
    }), { numRuns: 1000, endOnFailure: true });
  });

  test("a message of more than 127 and of more than 16,383 bytes moves for its length", () => {
    for (const length of [127, 128, 16_383, 16_384, 3_000_000]) {
      const data = new Uint8Array(length).fill(7);
      const bytes = written((writer) => {
        const mark = writer.open(1);
        writer.presentData(2, data, 0, length);
        writer.close(mark);
      });
      const theirs = create(oracle("Deep"), { all: { rawBytes: data } });
      expect(Buffer.compare(bytes, toBinary(oracle("Deep"), theirs))).toBe(0);
    }
  });

  test("integers of 64 bits are exact to 2^53", () => {
    for (const value of [1, 2 ** 31, 2 ** 32, 2 ** 53, -1, -(2 ** 32), -(2 ** 53)]) {
      expect(fromBinary(oracle("All"), written((writer) => writer.integer(6, value)))).toMatchObject({ size: BigInt(value) });
    }
  });
});

describe("read", () => {
  test("what the oracle has written", () => {
    fc.assert(fc.property(all, (value) => {
      expect(read(decode("All", toBinary(oracle("All"), plain(value))))).toEqual(readable(value));
    }), { numRuns: 1000, endOnFailure: true });
  });

  test("no bytes are a message with defaults", () => {
    const message = decode("All", new Uint8Array(0));
    expect(read(message)).toEqual({ text: "", rawBytes: new Uint8Array(0), isOn: false, count: 0, labels: {}, color: 0, args: [], far: 0 });
    expect(message.message(10).message(3).data(1)).toEqual(new Uint8Array(0));
  });

  test("unknown fields are passed over, groups of any depth among them", () => {
    expect(decode("Inner", hex("98 06 2a  9b 06 08 01 13 14 9c 06  99 06 1 2 3 4 5 6 7 8  9d 06 1 2 3 4  0a 01 2f")).text(1)).toBe("/");
    const nested = (depth: number) => hex(`${"9b 06 ".repeat(depth)} ${"9c 06 ".repeat(depth)} 0a 01 2f`);
    expect(decode("Inner", nested(90)).text(1)).toBe("/");
    refused("Inner", nested(101));
    refused("Inner", nested(100_000));
    refused("Inner", hex("9b 06".repeat(50_000)));
  });

  test("a known field with another wire type counts as unknown", () => {
    expect(decode("Inner", hex("08 05 0a 01 2f")).text(1)).toBe("/");
    expect(decode("Inner", hex("0a 01 2f 08 05")).text(1)).toBe("/");
    expect(decode("Choice", hex("0a 01 2f 12 01 61")).has(1)).toBe(false);
  });

  test("the last scalar counts, messages are merged", () => {
    expect(decode("Inner", hex("0a 01 61 10 01 0a 01 62 10 02")).text(1)).toBe("b");
    expect(decode("Inner", hex("10 01 10 02")).number(2)).toBe(2);
    const merged = decode("Inner", hex("1a 03 0a 01 61 0a 01 6e 1a 02 10 01"));
    expect(merged.message(3).data(1)).toEqual(hex("61"));
    expect(merged.message(3).bool(2)).toBe(true);
  });

  test("the last member of a oneof counts", () => {
    const choice = decode("Choice", hex("08 05 12 01 61"));
    expect([choice.has(1), choice.has(2), choice.text(2), choice.number(1)]).toEqual([false, true, "a", 0]);
    // Split over two occurrences of the message around it.
    expect(decode("Deep", hex("12 02 08 05 12 03 12 01 61")).message(2).text(2)).toBe("a");
    // A member that another one has cleared starts anew; what is no member clears nothing.
    const again = decode("Choice", hex("1a 03 0a 01 61  08 01  1a 02 10 07  2a 01 78"));
    expect([again.message(3).text(1), again.message(3).number(2), again.text(5)]).toEqual(["", 7, "x"]);
  });

  test("entries of maps: key and value may be missing, the last of a key counts", () => {
    const entries = hex("42 00  42 03 0a 01 61  42 03 12 01 62  42 06 0a 01 6b 12 01 31  42 06 12 01 32 0a 01 6b");
    expect(Object.fromEntries(decode("All", entries).map(8))).toEqual({ "": "b", a: "", k: "2" });
  });

  test("varints of 64 bits are cut to 32, and are true where they are not zero", () => {
    expect(decode("All", hex("20 ff ff ff ff ff ff ff ff ff 01")).number(4)).toBe(2 ** 32 - 1);
    expect(decode("All", hex("20 80 80 80 80 10")).number(4)).toBe(0);
    expect(decode("All", hex("18 80 80 80 80 10")).bool(3)).toBe(true);
  });

  test.each([
    ["a length beyond the end", "0a 05 61"],
    ["no length", "0a"],
    ["a length of 2^63", "0a 80 80 80 80 80 80 80 80 80 01 61"],
    ["a varint of eleven bytes", "0a 81 80 80 80 80 80 80 80 80 80 01 61"],
    ["a varint that does not end", "10 80"],
    ["the number 0", "00 00"],
    ["a tag beyond 32 bits", "8a 80 80 80 10 00"],
    ["wire type 6", "0e 00"],
    ["wire type 7", "0f 00"],
    ["fixed 64 cut short", "99 06 01 02 03"],
    ["fixed 32 cut short", "9d 06 01 02 03"],
    ["the end of no group", "9c 06"],
    ["the end of another group", "9b 06 a4 06"],
    ["a group that does not end", "9b 06 08 01"],
    ["a string that is not UTF-8", "0a 02 ff fe"],
    ["a string of surrogates", "0a 03 ed a0 80"],
    ["a string cut within a character", "0a 02 e2 82"],
    ["a string within a message", "1a 02 08 80"],
  ])("%s is refused", (_, bytes) => refused("Inner", hex(bytes)));

  test("a string in a map that is not UTF-8 is refused, bytes may be anything", () => {
    refused("All", hex("42 03 0a 01 ff"));
    expect(decode("All", hex("12 01 ff")).data(2)).toEqual(hex("ff"));
  });

  test("mutated messages: the oracle takes what is taken here, and reads the same", () => {
    const mutation = fc.record({ at: fc.nat(400), flip: fc.integer({ min: 1, max: 255 }) });
    let taken = 0;
    fc.assert(fc.property(all, fc.array(mutation, { minLength: 1, maxLength: 2 }), (value, mutations) => {
      const bytes = write(value);
      for (const { at, flip } of mutations) {
        const position = at % Math.max(bytes.length, 1);
        bytes.set([(bytes[position] ?? 0) ^ flip], position);
      }
      try {
        decode("All", bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RpcError);
        return;
      }
      if (isMistyped(oracle("All"), bytes)) return;
      taken += 1;
      const theirs = fromBinary(oracle("All"), bytes);
      const { text, rawBytes, count, args, far } = read(decode("All", bytes));
      expect(theirs).toMatchObject({ text, rawBytes, count, args, far });
    }), { numRuns: 3000, endOnFailure: true });
    expect(taken).toBeGreaterThan(200);
  });
});
