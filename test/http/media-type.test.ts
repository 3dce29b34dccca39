import { expect, test } from "bun:test";
import { typeByExtension } from "../../http/media-type.ts";
import { sniffType } from "../../http/sniff.ts";

const named: [string, string | undefined][] = [
  ["a.txt", "text/plain; charset=utf-8"],
  ["/tmp/x.d/A.HTML", "text/html; charset=utf-8"],
  ["a.md", "text/markdown; charset=utf-8"],
  ["a.markdown", "text/markdown; charset=utf-8"],
  ["a.js", "text/javascript; charset=utf-8"],
  ["a.cpp", "text/x-c++src; charset=utf-8"],
  ["a.json", "application/json"],
  ["archive.tar.gz", "application/gzip"],
  [".epub", "application/epub+zip"],
  ["a.avi", "video/x-msvideo"],
  ["文档.PDF", "application/pdf"],
  ["a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["é.é", undefined],
  ["txt", undefined],
  ["a.", undefined],
  ["", undefined],
  ["a.txt/b", undefined],
  ["a.htm html", undefined],
  ["a. txt", undefined],
  ["a.htm\n", undefined],
  ["a.zip\napplication", undefined],
  ["a.application/zip", undefined],
  ["a.html shtml", undefined],
  ["a.ht", undefined],
];

for (const [path, type] of named) test(`the name ${JSON.stringify(path)}`, () => expect(typeByExtension(path)).toBe(type));

const HTML = "text/html; charset=utf-8";
const TEXT = "text/plain; charset=utf-8";
const BINARY = "application/octet-stream";
/** Bytes as Latin-1. Go 1.26's DetectContentType says the same of each. */
const sniffed: [string, string][] = [
  ["", TEXT],
  ["hello", TEXT],
  ["\x1b[0m\t\f\r\n", TEXT],
  ["é\xff", TEXT],
  ["a\x00", BINARY],
  ["a\x0b", BINARY],
  ["a\x1f", BINARY],
  [" \n<!DocType html>", HTML],
  ["<a href=x", HTML],
  ["<abbr>", TEXT],
  ["<b", TEXT],
  ["\t<?xml version", "text/xml; charset=utf-8"],
  ["<?XML version", TEXT],
  ["%PDF-1.7", "application/pdf"],
  ["%!PS-Adobe-3", "application/postscript"],
  ["\xfe\xff\0a", "text/plain; charset=utf-16be"],
  ["\xff\xfea\0", "text/plain; charset=utf-16le"],
  ["\xef\xbb\xbfa\0", TEXT],
  ["\xef\xbb\xbf", TEXT],
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\x89PNG\r\n\x1a", BINARY],
  ["\xff\xd8\xff\xe0", "image/jpeg"],
  ["GIF89a", "image/gif"],
  ["RIFF1234WEBPVP8 ", "image/webp"],
  ["RIFF1234WAVE", "audio/wave"],
  ["BM6", "image/bmp"],
  ["\0\0\0\x14ftypisom\0\0\0\0mp42", "video/mp4"],
  ["\0\0\0\x10ftypisommp42", BINARY],
  ["\0\0\0\x0cftypmp42", "video/mp4"],
  ["\0\0\0\x40ftypmp42", BINARY],
  ["\x1a\x45\xdf\xa3", "video/webm"],
  [`${"\0".repeat(34)}LP`, "application/vnd.ms-fontobject"],
  ["\x1f\x8b\x08", "application/x-gzip"],
  ["PK\x03\x04", "application/zip"],
  ["\0asm\x01", "application/wasm"],
  ["\x7fELF\x02", BINARY],
];

for (const [latin1, type] of sniffed) {
  test(`the bytes ${JSON.stringify(latin1)}`, () => {
    const bytes = new Uint8Array(Buffer.from(`\0${latin1}\0`, "latin1"));
    expect(sniffType(bytes, 1, bytes.length - 1)).toBe(type);
  });
}

test("any beginning of any file is of some type", () => {
  for (const [latin1] of sniffed) {
    const bytes = new Uint8Array(Buffer.from(latin1, "latin1"));
    for (let end = 0; end <= bytes.length; end++) expect(sniffType(bytes, 0, end)).toContain("/");
  }
});
