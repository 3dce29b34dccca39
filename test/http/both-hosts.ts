/**
 * The pieces of `http/` at work on random inputs, printed: the same program runs on Bun and natively, and must print the
 * same. `both-hosts COUNT SEED`.
 */
import { acceptedCodings } from "../../http/accept-encoding.ts";
import { partHead, partsLength } from "../../http/byteranges.ts";
import { Conditions, select } from "../../http/conditional.ts";
import { corsHeaders, preflightHeaders } from "../../http/cors.ts";
import { httpDate, parseHttpDate } from "../../http/date.ts";
import { formField, inlineDisposition } from "../../http/disposition.ts";
import { typeByExtension } from "../../http/media-type.ts";
import { MultipartError, MultipartHandler, MultipartParser } from "../../http/multipart.ts";
import type { PartHeaders } from "../../http/part-headers.ts";
import { Query } from "../../http/query.ts";
import { sniffType } from "../../http/sniff.ts";
import { cstring, encodeText, fileText, hex } from "../../sys/bytes.ts";
import { programArguments } from "../../sys/environ.ts";
import { exit, writeText } from "../../sys/stdio.ts";

/** Numbers that look random, and are the same everywhere; a linear congruence. */
class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  below(limit: number): number {
    this.state = (this.state * 69069 + 1) % 4294967296;
    return Math.floor((this.state / 4294967296) * limit);
  }

  /** Words of a list, which are separated by `~`, one after the other. */
  text(words: string, most: number): string {
    const list = words.split("~");
    let out = "";
    for (let count = this.below(most + 1); count > 0; count--) out += list.at(this.below(list.length)) ?? "";
    return out;
  }
}

/** Any text as ASCII on one line. */
function shown(text: string | undefined): string {
  if (text === undefined) return "-";
  let out = "";
  for (const byte of encodeText(text)) out += byte > 32 && byte < 127 ? String.fromCharCode(byte) : `<${hex(byte, 2)}>`;
  return out;
}

/** Bytes of Latin-1: a character is a byte. */
function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i) & 0xff;
  return bytes;
}

class Printer extends MultipartHandler {
  out = "";
  private readonly dice: Dice;

  constructor(dice: Dice) {
    super();
    this.dice = dice;
  }

  override onPart(headers: PartHeaders): void {
    this.out += `[${shown(headers.get("a"))}]`;
  }

  override onData(bytes: Uint8Array, start: number, end: number): number {
    const taken = this.dice.below(end - start + 1);
    this.out += shown(fileText(bytes, start, start + taken));
    return taken;
  }

  override onPartEnd(): void {
    this.out += "[end]";
  }
}

function multipart(dice: Dice): string {
  const printer = new Printer(dice);
  const body = latin1(`--B\r\n${dice.text("\r\n~\r\n--B~--B~--B--~\r\n--B\r\n~a: b\r\n~\r\n\r\n~x~-~\r~\n~ÿé", 16)}\r\n--B--`);
  try {
    const parser = new MultipartParser("B", printer);
    let end = 0;
    for (let at = 0; at < body.length; ) {
      end = Math.min(body.length, Math.max(at, end) + dice.below(9));
      at += parser.push(body, at, end);
    }
    parser.end();
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    printer.out += error.message;
  }
  return printer.out;
}

function conditional(dice: Dice): string {
  const date = dice.text("Sun, 06 Nov 1994 08:49:37 GMT~Sunday, 06-Nov-94 08:49:37 GMT~Sun Nov  6 08:49:37 1994~x~é", 1);
  const range = dice.text("bytes=~0~5~-~-~,~ ~999~x~é", 9);
  const headers = new Conditions(`bytes=${range}`, date, "", dice.text("*~\"x\"~,~é", 2), date, date);
  const selection = select(headers, dice.below(20), 784111776 + dice.below(3));
  let out = `${selection.outcome} ${selection.contentRange} ${selection.message} ${selection.ranges.length} `;
  for (const part of selection.ranges) out += shown(partHead("B", 1, "t", part, 20));
  return `${out} ${partsLength("B", "t", selection.ranges, 20)} ${parseHttpDate(date) ?? "-"}`;
}

function cors(dice: Dice): string {
  const origin = dice.text("https://a~é", 1);
  const method = dice.text("GET~PUT~TRACE~ ", 1);
  return shown(preflightHeaders(origin, method, dice.text("authorization~é", 1)) + corsHeaders(origin, method, dice.text("Accept-Encoding", 1), "A, B"));
}

function round(dice: Dice): string {
  const words = "a~b~%41~%c3%a9~%ff~%zz~%~+~&~=~;~é~日~\ufddf\ufdef~/~.~\"~\\~ ~html~.txt~.PDF";
  const name = dice.text(words, 8);
  const query = new Query(name);
  const disposition = `form-data; name=${dice.text(words, 2)}; filename${dice.text("*~*0~*0*~=~; filename*1*", 2)}=${dice.text("utf-8''~\"~a~%c3~%bc~é~\\~'", 5)}`;
  const field = formField(disposition);
  const bytes = latin1(dice.text("<html~ ~>~<?xml~GIF89a~\0~ÿØÿ~\x89PNG\r\n\x1a\n~RIFF~WAVE~ftypmp42~\0\0\0\x0c~x", 4));
  const codings = acceptedCodings(dice.text("gzip~identity~*~br~;q=0~;q=0.5~;q=x~,~,~é", 12));
  let path = "";
  for (const byte of cstring(query.get("a") ?? fileText(bytes, 0, 0))) path += hex(byte, 2);
  return `${path} ${query.count("a")} ${shown(inlineDisposition(name))} ${shown(field.name)} ${shown(field.fileName)} ${typeByExtension(name) ?? "-"} ${sniffType(bytes, 0, bytes.length)} ${codings.choice} ${codings.isIdentityRefused} ${httpDate(dice.below(4e9) - 2e9)}`;
}

const count = Number(programArguments().at(1) ?? "1000");
const dice = new Dice(Number(programArguments().at(2) ?? "1"));
for (let i = 0; i < count; i++) writeText(1, `${round(dice)}\n${conditional(dice)} ${cors(dice)}\n${multipart(dice)}\n`);
exit(0);
