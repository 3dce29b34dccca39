// What the two hosts of sys/ do differently, each asked from outside: probe.ts on Bun and compiled.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { GzipFault } from "../../sys/deflate.ts";
import { noise, remove, scratchDirectory } from "../scratch.ts";

setDefaultTimeout(60_000);

const directory = scratchDirectory();
afterAll(() => remove(directory));

const hosts: [string, string[]][] = [
  ["bun", [process.execPath, join(import.meta.dir, "probe.ts")]],
  ["native", [join(import.meta.dir, "../../build/x86_64/probe")]],
];

function file(name: string, content: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe.each(hosts)("on %s", (host, command) => {
  function probe(...words: string[]): string {
    const ran = Bun.spawnSync([...command, ...words]);
    expect(ran.stderr.toString()).toBe("");
    return ran.stdout.toString();
  }

  test.each([0, 1, 111, 112, 100_000])("digests of %d bytes", (length) => {
    const bytes = noise(length);
    const expected = ["sha256", "sha512"].map((name) => `${createHash(name).update(bytes).digest("hex")}\n`);
    expect(probe("digest", file("digested", bytes))).toBe(expected.join(""));
  });

  test.each([1, 2, 3, 4, 5, 6, 257, 100_000])("base64 of %d bytes", (length) => {
    const bytes = noise(length);
    const rest = bytes.subarray(1).toString("base64");
    expect(probe("base64", file("encoded", bytes))).toBe(
      [rest, rest.replaceAll("=", ""), bytes.toString("base64").replaceAll("=", ""), ""].join("\n"),
    );
  });

  test("digits of either base64, and characters that are none", () => {
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_value, i) => i * 31));
    const parts = [0, 1, 2, 3, 4, 2990, 2991, 2992].map((length) => bytes.subarray(0, length));
    const texts = parts.flatMap((part) => [part.toString("base64"), part.toString("base64url")]);
    const decoded = parts.flatMap((part) => [part.toString("hex"), part.toString("hex")]);
    const bytesButNewline = Array.from({ length: 256 }, (_value, byte) => String.fromCharCode(byte)).filter((byte) => byte !== "\n");
    for (const byte of bytesButNewline) {
      texts.push(`AAA${byte}AA`);
      const value = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(byte.replace("-", "+").replace("_", "/"));
      decoded.push(value < 0 ? "no digits" : Buffer.of(0, 0, value, 0).toString("hex"));
    }
    texts.push("AAAAA");
    decoded.push("no digits");
    expect(probe("unbase64", file("digits", Buffer.from(`${texts.join("\n")}\n`, "latin1")))).toBe(`${decoded.join("\n")}\n`);
  });

  test("a file is stored", () => {
    const parent = join(directory, `stored on ${host}`);
    const path = join(parent, "a/b");
    for (const isNew of [true, false]) {
      const lines = probe("store", path).split("\n");
      const { mtimeMs, uid, gid, mode } = statSync(path);
      expect(lines).toEqual([
        "ent", `${isNew} 5 2 4 -22 1002 ${mode} ${Math.floor(mtimeMs / 1000)}`, `${statfsSync(path).blocks}`, "",
      ]);
      expect([uid, gid, statSync(parent).uid, statSync(parent).gid]).toEqual([1002, 0, 1000, 1001]);
      expect(readFileSync(`${path}.copy`, "utf8")).toBe("te");
    }
    expect(probe("store", `${path}/x/y`)).toBe(`not a directory: ${path}\n`);
  });

  test("attributes of a file", () => {
    expect(probe("attributes", file("attributed", Buffer.alloc(0)))).toBe("one\n\nnone\n2 true true\ntrue false user.b\n");
  });

  test("the time of day, and times that are none", () => {
    const before = Date.now();
    const [now = "", ...refused] = probe("time").split("\n");
    const [seconds = 0, nanoseconds = 0] = now.split(" ").map(Number);
    const milliseconds = seconds * 1000 + Math.floor(nanoseconds / 1e6);
    expect(milliseconds).toBeGreaterThanOrEqual(before);
    expect(milliseconds).toBeLessThanOrEqual(Date.now());
    expect(refused).toEqual([...Array<string>(3).fill("clock_settime: Invalid argument"), ""]);
  });

  test("users and groups", () => {
    for (const line of Bun.spawnSync(["getent", "passwd", "root", "www-data", "nobody"]).stdout.toString().trim().split("\n")) {
      const [name = "", , uid, , , home, shell] = line.split(":");
      const [group, groups] = ["-gn", "-G"].map((option) => Bun.spawnSync(["id", option, name]).stdout.toString().trim());
      expect(probe("user", name, "/etc")).toBe(`${name}:${uid}:${group}:${home}:${shell}:${groups}\n`);
    }
    expect(probe("user", "nobody's", "/etc")).toBe("unknown\n");
    file("passwd", Buffer.from("a\na:x\n:\n\xff\n#\na:x:1:2:\n\n" + "a:".repeat(40_000) + "\na:x:1:2::h:s", "latin1"));
    file("group", Buffer.from("g\ng:x\ng:x:5\ng:x:6:\ng:x:7:b,a"));
    expect(probe("user", "a", directory)).toBe("a:1::h:s:2 7\n");
  });

  test.each([10, 65536])("gzip in steps of %d bytes", (step) => {
    const bytes = Buffer.concat([noise(100_000), Buffer.alloc(200_000), noise(1000)]);
    const coded = Bun.spawnSync([...command, "deflate", file("plain", bytes), `${step}`]).stdout;
    expect(gunzipSync(coded).equals(bytes)).toBe(true);
    const twice = file("twice", Buffer.concat([gzipSync(bytes), gzipSync(bytes)]));
    const decoded = Bun.spawnSync([...command, "inflate", twice, `${step}`]);
    expect(decoded.stderr.toString()).toBe("");
    expect(decoded.stdout.equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  test("what is wrong with gzip", () => {
    const good = gzipSync(noise(3000));
    const bad: [Uint8Array, string][] = [
      [Buffer.from("no gzip"), `${GzipFault.HEADER} incorrect header check`],
      [good.subarray(0, -1), `${GzipFault.TRUNCATED} unexpected end of file`],
      [Buffer.concat([good, Buffer.from([0, 0])]), `${GzipFault.TRAILING} incorrect header check`],
      [Buffer.concat([good, good.subarray(0, 30)]), `${GzipFault.TRUNCATED} unexpected end of file`],
      [Buffer.concat([good.subarray(0, -1), Buffer.from([1])]), `${GzipFault.CHECKSUM} incorrect length check`],
      [Buffer.concat([good.subarray(0, 10), Buffer.from([7])]), `${GzipFault.DATA} invalid block type`],
    ];
    for (const [bytes, text] of bad) {
      const ran = Bun.spawnSync([...command, "inflate", file("bad", bytes), "100"]);
      expect(ran.stderr.toString()).toBe(text);
    }
  });
});

test("natively a stream's memory is the kernel's again once it is closed", () => {
  const [, [program = ""]] = hosts[1] ?? ["", []];
  const ran = Bun.spawnSync([program, "hold", file("held", noise(60_000)), "50"]);
  const [during = 0, after = 0] = ran.stdout.toString().split(" ").map(Number);
  console.log(`a Deflater: ${(during / 50) * 4} kB`);
  expect(during).toBeLessThan(50 * 75);
  expect(after).toBeLessThan(20);
});
