import { expect, test } from "bun:test";
import fc from "fast-check";
import { formField } from "../../http/disposition.ts";
import { MultipartError, MultipartHandler, MultipartParser } from "../../http/multipart.ts";
import { parseParameters } from "../../http/parameters.ts";
import type { PartHeaders } from "../../http/part-headers.ts";

interface Part { headers: string; data: string }

const HEADERS = ["a", "content-disposition", "content-type"];

/** Collects parts, and takes as much at a time as `take` says. */
class Collector extends MultipartHandler {
  readonly parts: Part[] = [];
  readonly all: PartHeaders[] = [];
  isOpen = false;
  private readonly take: () => number;

  constructor(take: () => number = () => Infinity) {
    super();
    this.take = take;
  }

  override onPart(headers: PartHeaders): void {
    expect(this.isOpen).toBe(false);
    this.isOpen = true;
    this.all.push(headers);
    this.parts.push({ headers: HEADERS.map((name) => headers.get(name) ?? "-").join("|"), data: "" });
  }

  override onData(bytes: Uint8Array, start: number, end: number): number {
    expect(this.isOpen).toBe(true);
    expect(start).toBeLessThan(end);
    const stop = Math.min(end, start + this.take());
    const part = this.parts.at(-1);
    if (part !== undefined) part.data += Buffer.from(bytes.subarray(start, stop)).toString("latin1");
    return stop - start;
  }

  override onPartEnd(): void {
    expect(this.isOpen).toBe(true);
    this.isOpen = false;
  }
}

interface Result { parts: Part[]; error: string | undefined }

/** Parses a body that comes in pieces of the given sizes, one after the other. */
function parse(body: Uint8Array, boundary: string, sizes: number[] = [], take?: () => number): Result {
  const collector = new Collector(take);
  let error: string | undefined;
  try {
    const parser = new MultipartParser(boundary, collector);
    let start = 0;
    for (let i = 0; start < body.length; i++) {
      const end = Math.min(body.length, start + (sizes.at(i % Math.max(sizes.length, 1)) ?? Infinity));
      // In an array of its own: what is behind the end must not matter.
      const bytes = Uint8Array.from([...new TextEncoder().encode("\r\n--"), ...body.subarray(start, end)]);
      for (let at = 4; at < bytes.length; ) at += parser.push(bytes, at, bytes.length);
      start = end;
    }
    parser.end();
  } catch (thrown) {
    if (!(thrown instanceof MultipartError)) throw thrown;
    error = thrown.message;
  }
  return { parts: collector.isOpen ? collector.parts.slice(0, -1) : collector.parts, error };
}

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** What RFC 2046 makes of a whole body: the complete parts, and whether something is wrong. The boundary is B. */
function oracle(body: string): { parts: Part[]; isMalformed: boolean } {
  const parts: Part[] = [];
  let headers: string | undefined;
  let rest = `\r\n${body}`;
  for (;;) {
    const found = /\r\n--B(?=[ \t\r\n]|--)/.exec(rest);
    if (found === null) return { parts, isMalformed: true };
    if (headers !== undefined) parts.push({ headers, data: rest.slice(2, Math.max(found.index, 2)) });
    rest = rest.slice(found.index + found[0].length);
    if (rest.startsWith("--")) return { parts, isMalformed: !/^--[ \t]*(\r?$|\r\n)/.test(rest.replace(/\n[^]*/, "\n")) };
    const line = /^[ \t]*\r\n/.exec(rest);
    if (line === null) return { parts, isMalformed: true };
    rest = rest.slice(line[0].length);
    const head = /^((?:[^\n]*\n)*?)\r?\n/.exec(rest);
    if (head === null) return { parts, isMalformed: true };
    const lines = (head[1] ?? "").replace(/\n(?=[ \t])/g, " ").replace(/\r/g, " ").split("\n").map((text) => text.trim()).filter((text) => text !== "");
    if (lines.some((text) => text.indexOf(":", 1) < 0)) return { parts, isMalformed: true };
    const nameOf = (text: string): string => text.slice(0, text.indexOf(":")).trim().toLowerCase();
    const value = (name: string): string => /^[^:]*:(.*)$/.exec(lines.find((text) => nameOf(text) === name) ?? "")?.[1]?.trim() ?? "-";
    headers = HEADERS.map(value).join("|");
    rest = `\r\n${rest.slice(head[0].length)}`;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });

test("any body is read as RFC 2046 says, however it comes and is taken", () => {
  const unit = fc.constantFrom("\r\n--B\r\n", "\r\n--B--", "--B\r\n", "--B", "\r\n", "\r", "\n", "-", "--", "B", "a: b\r\n", "A : c\r\n d\r\n", "a:\n", "\r\n\r\n", "x", " ", "\t", "\r\n--B-", "\r\n--BB", "\0\x7f");
  const body = fc.tuple(fc.constantFrom("", "--B\r\n", "x\r\n--B\r\n\r\n"), fc.array(unit, { maxLength: 14 }), fc.constantFrom("", "\r\n--B--", "\r\n--B--\r\nx")).map(([head, middle, tail]) => head + middle.join("") + tail);
  fc.assert(fc.property(body, sizes, fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1 }).filter((list) => list.some((n) => n > 0)), (text, split, takes) => {
    let turn = 0;
    const result = parse(latin1(text), "B", split, () => takes.at(turn++ % takes.length) ?? 1);
    expect({ parts: result.parts, isMalformed: result.error !== undefined }).toEqual(oracle(text));
    expect(parse(latin1(text), "B")).toEqual(result);
  }), { numRuns: 30_000 });
});

test("what FormData makes reads back", async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.uint8Array({ maxLength: 200 })), { maxLength: 5 }), sizes, async (files, split) => {
    const form = new FormData();
    for (const [name, data] of files) form.append("file", new Blob([data]), name.replace(/[\r\n\0"\\%]/g, "_"));
    form.append("text", "value");
    const response = new Response(form);
    const boundary = parseParameters(response.headers.get("content-type") ?? "")?.get("boundary") ?? "";
    const { parts, error } = parse(new Uint8Array(await response.arrayBuffer()), boundary, split);
    expect(error).toBeUndefined();
    expect(parts.map(({ data }) => data)).toEqual([...files.map(([, data]) => Buffer.from(data).toString("latin1")), "value"]);
  }), { numRuns: 500 });
});

test("PUT-19: boundary-like content, byte by byte", () => {
  const data = "--bound\r\n--boun\r\n--boundX\r\r\n\r\n--bound-x\n--bound\r\n\r\n--\r\n--bound_--";
  const body = latin1(`--bound\r\nContent-Disposition: form-data; name="file"; filename="ü"\r\n\r\nx${data}\r\n--bound--\r\n`);
  for (const size of [1, 2, 3, 7, body.length]) {
    expect(parse(body, "bound", [size])).toEqual({ parts: [{ headers: "-|form-data; name=\"file\"; filename=\"\ufddf\ufdec\"|-", data: `x${data}` }], error: undefined });
  }
});

test("a file name in UTF-8", () => {
  const collector = new Collector();
  const body = new TextEncoder().encode("--b\r\ncontent-DISPOSITION:form-data;\r\n\tname=file; filename=\"日本\"\r\n\r\n\r\n--b--");
  expect(new MultipartParser("b", collector).push(body, 0, body.length)).toBe(body.length);
  expect(formField(collector.all.at(0)?.get("content-disposition") ?? "")).toEqual({ name: "file", fileName: "日本" });
});

test("a paused parser goes on where it stopped", () => {
  let allowed = 3;
  const collector = new Collector(() => allowed);
  const parser = new MultipartParser("b", collector);
  const body = latin1("--b\r\n\r\n0123456789\r\n--bx\r\n--b--");
  let at = parser.push(body, 0, body.length);
  expect([at, collector.parts.at(0)?.data]).toEqual([10, "012"]);
  allowed = 0;
  expect(parser.push(body, at, body.length)).toBe(0);
  allowed = 100;
  at += parser.push(body, at, body.length);
  expect([at, collector.parts.at(0)?.data, collector.isOpen]).toEqual([body.length, "0123456789\r\n--bx", false]);
  parser.end();
});

test("bytes held back are passed on before anything else", () => {
  let allowed = 100;
  const collector = new Collector(() => allowed);
  const parser = new MultipartParser("bound", collector);
  const push = (text: string): number => parser.push(latin1(text), 0, text.length);
  push("--bound\r\n\r\na\r\n--bo");
  allowed = 2;
  expect(push("xyz")).toBe(0);
  expect(push("xyz")).toBe(0);
  expect(collector.parts.at(0)?.data).toBe("a\r\n--");
  expect(push("xyz")).toBe(2);
  expect(push("z")).toBe(1);
  expect(collector.parts.at(0)?.data).toBe("a\r\n--boxyz");
});

for (const [name, body] of [
  ["nothing", ""],
  ["PUT-17: garbage", "garbage"],
  ["PUT-16: an end in the headers", "--B\r\na: b"],
  ["PUT-16: an end in a part", "--B\r\n\r\ndata"],
  ["PUT-16: an end in the last delimiter", "--B\r\n\r\ndata\r\n--B-"],
  ["text after a boundary", "--B x\r\n\r\n"],
  ["text after the last boundary", "--B\r\n\r\n\r\n--B--x"],
  ["a line that is no header", "--B\r\nheader\r\n\r\n\r\n--B--"],
  ["a line feed after a boundary", "--B\n\n\r\n--B--"],
] as const) {
  test(`malformed: ${name}`, () => expect(parse(latin1(body), "B").error).toBeString());
}

test("a body without parts", () => {
  expect(parse(latin1("--B--"), "B")).toEqual({ parts: [], error: undefined });
  expect(parse(latin1("preamble\r\n--B-- \r\nepilogue\r\n--B\r\n"), "B")).toEqual({ parts: [], error: undefined });
});

test("PUT-18: headers of 64 KiB are read, longer ones are not", () => {
  const body = (length: number): Uint8Array => latin1(`--B\r\na: ${"x".repeat(length - 7)}\r\n\r\n\r\n--B--`);
  expect(parse(body(65_536), "B").parts.length).toBe(1);
  expect(parse(body(65_537), "B").error).toBe("headers of a part are too long");
  expect(parse(body(1 << 20), "B", [1000]).error).toBe("headers of a part are too long");
});

test("SEC-08: boundaries", () => {
  expect(parse(latin1("----"), "").error).toBe("boundary is empty");
  expect(parse(latin1("--a\nb--"), "a\nb").error).toBe("boundary has a control character");
  expect(parse(latin1(`--${"b".repeat(16_385)}--`), "b".repeat(16_385)).error).toBe("boundary is too long");
  for (const boundary of [".*+?^${}()|[]\\", "b".repeat(10_000), "-", "--", "\r".trim() + " a "]) {
    const data = `--${boundary}x\r\n--${boundary.slice(0, -1)}\r\r\n--`;
    for (const size of [777, 1e6]) {
      const body = latin1(`--${boundary}\r\n\r\n${data}\r\n--${boundary}--`);
      expect(parse(body, boundary, [size])).toEqual({ parts: [{ headers: "-|-|-", data }], error: undefined });
    }
  }
});

test("SEC-07: 10,000 parts", () => {
  const body = latin1(`${"--B\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n".repeat(10_000)}--B--\r\n`);
  expect(parse(body, "B").parts.length).toBe(10_000);
});
