/** The media type of a file by its first bytes: WHATWG MIME Sniffing sections 6 and 7.1, in the selection that Go has. */
import { decodeText } from "../sys/bytes.ts";
import { Ascii, lowerText } from "./ascii.ts";
import { hexValue } from "./percent.ts";

/** How many bytes of a file `sniffType` looks at, at most. */
export const SNIFF_LENGTH = 512;

/** What HTML begins with; a space or `>` follows. */
const TAGS = "<!doctype html,<html,<head,<script,<iframe,<h1,<div,<font,<table,<a,<style,<title,<b,<body,<br,<p,<!--";

/** A line for each signature: its bytes in hexadecimal, two dots for any byte, and the type. */
const SIGNATURES = `255044462d application/pdf
252150532d41646f62652d application/postscript
feff.... text/plain; charset=utf-16be
fffe.... text/plain; charset=utf-16le
efbbbf.. text/plain; charset=utf-8
00000100 image/x-icon
00000200 image/x-icon
424d image/bmp
474946383761 image/gif
474946383961 image/gif
52494646........574542505650 image/webp
89504e470d0a1a0a image/png
ffd8ff image/jpeg
464f524d........41494646 audio/aiff
494433 audio/mpeg
4f67675300 application/ogg
4d54686400000006 audio/midi
52494646........41564920 video/avi
52494646........57415645 audio/wave
1a45dfa3 video/webm
....................................................................4c50 application/vnd.ms-fontobject
00010000 font/ttf
4f54544f font/otf
74746366 font/collection
774f4646 font/woff
774f4632 font/woff2
1f8b08 application/x-gzip
504b0304 application/zip
526172211a0700 application/x-rar-compressed
526172211a070100 application/x-rar-compressed
0061736d application/wasm`;

/** The media type of a file whose first bytes, as many as there are up to `SNIFF_LENGTH`, are [start, end). */
export function sniffType(bytes: Uint8Array, start: number, end: number): string {
  let text = start;
  while (text < end && isSpace(bytes[text] ?? 0)) text += 1;
  const head = Math.min(text + 16, end);
  if (decodeText(bytes, text, head).startsWith("<?xml")) return "text/xml; charset=utf-8";
  const markup = lowerText(bytes, text, head);
  for (const tag of TAGS.split(",")) {
    if (markup.startsWith(`${tag} `) || markup.startsWith(`${tag}>`)) return "text/html; charset=utf-8";
  }
  for (const line of SIGNATURES.split("\n")) {
    const space = line.indexOf(" ");
    if (hasSignature(bytes, start, end, line, space)) return line.slice(space + 1);
  }
  if (isMp4(bytes, start, end)) return "video/mp4";
  for (; text < end; text++) {
    const byte = bytes[text] ?? 0;
    if (byte < Ascii.space && byte !== 0x1b && !isSpace(byte)) return "application/octet-stream";
  }
  return "text/plain; charset=utf-8";
}

function isSpace(byte: number): boolean {
  return byte === Ascii.space || byte === Ascii.tab || byte === Ascii.lineFeed || byte === 0x0c || byte === Ascii.carriageReturn;
}

/** Whether bytes begin as the first `length` characters of a line of SIGNATURES say. */
function hasSignature(bytes: Uint8Array, start: number, end: number, line: string, length: number): boolean {
  if (length / 2 > end - start) return false;
  for (let i = 0; i < length; i += 2) {
    const high = hexValue(line.charCodeAt(i));
    if (high >= 0 && bytes[start + i / 2] !== high * 16 + hexValue(line.charCodeAt(i + 1))) return false;
  }
  return true;
}

/** Whether a file begins with a box `ftyp` that names a brand `mp4`, section 6.2.1. */
function isMp4(bytes: Uint8Array, start: number, end: number): boolean {
  if (!hasSignature(bytes, start, end, "........66747970........", 24)) return false;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(start);
  if (size > end - start || size % 4 !== 0) return false;
  for (let at = start + 8; at < start + size; at += 4) {
    if (at !== start + 12 && hasSignature(bytes, at, end, "6d7034", 6)) return true;
  }
  return false;
}
