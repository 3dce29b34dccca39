import { expect, test } from "bun:test";
import fc from "fast-check";
import { formField, inlineDisposition } from "../../http/disposition.ts";
import { parseParameters } from "../../http/parameters.ts";
import { encodeText, fileBytes, fileText } from "../../sys/bytes.ts";

const written: [string, string][] = [
  ["test.txt", "inline; filename=test.txt"],
  ["my document.pdf", "inline; filename=\"my document.pdf\""],
  ["file\"name.txt", "inline; filename=\"file\\\"name.txt\""],
  ["back\\slash", "inline; filename=\"back\\\\slash\""],
  ["文档.pdf", "inline; filename*=utf-8''%E6%96%87%E6%A1%A3.pdf"],
  ["a;b.txt", "inline; filename=\"a;b.txt\""],
  ["a\nb.txt", "inline; filename*=utf-8''a%0Ab.txt"],
  ["a\tb", "inline; filename=\"a\tb\""],
  ["a\x7fb", "inline; filename*=utf-8''a%7Fb"],
  ["x\r\nSet-Cookie: x", "inline; filename*=utf-8''x%0D%0ASet-Cookie%3A%20x"],
  ["é*'%(a)", "inline; filename*=utf-8''%C3%A9%2A%27%25%28a%29"],
  [".env", "inline; filename=.env"],
  ["a{b}%20*'", "inline; filename=a{b}%20*'"],
  ["", "inline; filename=\"\""],
  [fileText(Uint8Array.of(0x61, 0xff), 0, 2), "inline; filename*=utf-8''a%FF"],
];

for (const [name, value] of written) test(`GET-11, GET-12: ${JSON.stringify(name)}`, () => expect(inlineDisposition(name)).toBe(value));

test("whatever the name, it reads back, and the value is of printable ASCII", () => {
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.string().map(encodeText)), (name) => {
    const value = inlineDisposition(fileText(name, 0, name.length));
    expect(value).toMatch(/^[\t\x20-\x7e]*$/);
    expect(fileBytes(parseParameters(value)?.get("filename") ?? "?")).toEqual(name);
  }), { numRuns: 5000 });
});

/** A header, the field's name, the file's name. Go 1.26's mime.ParseMediaType says the same of each. */
const read: [string, string, string][] = [
  ["form-data; name=file; filename=upload", "file", "upload"],
  ["form-data; name=\"file\"", "file", ""],
  ["FORM-DATA;NAME=\"file\";FileName=\"a\"", "file", "a"],
  ["form-data; name=\"file\"; filename=\"/tmp/dir/a b.txt\"", "file", "/tmp/dir/a b.txt"],
  ["form-data; name=\"file\"; filename*=utf-8''%C3%BC.txt", "file", "ü.txt"],
  ["form-data; name=\"file\"; filename=\"plain\"; filename*=UTF-8'en'%e2%82%ac", "file", "€"],
  ["form-data; name=\"file\"; filename=\"plain\"; filename*=latin1''%e2", "file", "plain"],
  ["form-data; name=\"file\"; filename=\"plain\"; filename*=utf-8''%e", "file", "plain"],
  ["form-data; name=file; filename*0=a; filename*1*=%20b; filename*2=\" c\"", "file", "a b c"],
  ["form-data; name=file; filename*0*=utf-8''%C3; filename*1*=%BC", "file", "ü"],
  ["form-data; name=\"file\"; filename=\"ü.txt\"", "file", "ü.txt"],
  ["form-data; name=\"file\"; filename=\"%22.txt\"", "file", "%22.txt"],
  ["form-data; name=\"file\"; filename=\"a\\\"b\\\\c\"", "file", "a\"b\\c"],
  ["form-data; name=\"file\"; filename=\"C:\\dev\\go.txt\"", "file", "C:\\dev\\go.txt"],
  ["form-data; name=\"file\"; filename=a/b", "", ""],
  ["form-data; name=\"file\";", "file", ""],
  ["form-data; name=\"file\"; name=file", "file", ""],
  ["form-data; name=\"file\"; name=other", "", ""],
  ["form-data; name=\"unfinished", "", ""],
  ["form-data; name", "", ""],
  ["form-data name=file", "", ""],
  ["attachment; name=file; filename=a", "", "a"],
  ["", "", ""],
  [";name=file", "", ""],
];

for (const [header, name, fileName] of read) {
  test(`a part with ${header}`, () => {
    const field = formField(header);
    expect([field.name, field.fileName]).toEqual([name, fileName]);
  });
}

test("a content type has its boundary", () => {
  expect(parseParameters("Multipart/Form-Data; boundary=\"a b\"")?.value).toBe("multipart/form-data");
  expect(parseParameters("multipart/form-data; boundary=\"a b\"")?.get("boundary")).toBe("a b");
  expect(parseParameters("multipart/form-data")?.get("boundary")).toBeUndefined();
  expect(parseParameters("multipart/")).toBeUndefined();
});

test("more than 64 parameters are refused", () => {
  const many = (count: number): string => "a" + Array.from({ length: count }, (_, i) => `;p${i}=x`).join("");
  expect(parseParameters(many(64))?.get("p63")).toBe("x");
  expect(parseParameters(many(65))).toBeUndefined();
});

test("any text is read or refused", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom("a", ";", "=", "\"", "\\", " ", "/", "*", "'", "%", "4", "é", "\n") }), (text) => {
    parseParameters(`a;${text}`)?.get("a");
    formField(text);
  }), { numRuns: 5000 });
});
