// Which binaries images/bake.sh takes: those of the root's architecture that need no interpreter, told by ELF headers.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory, sha256 } from "../scratch.ts";
import { elf, type ElfOptions, machine } from "./elf.ts";
import { tree } from "./listing.ts";
import { type Content, makeDirectory, plain } from "./roots.ts";
import { agentBinary, bake, refusal, succeed } from "./scripts.ts";

setDefaultTimeout(60_000);

const directory = scratchDirectory();
afterAll(() => remove(directory));

const aarch64 = { machine: machine.aarch64 };

let count = 0;
function root(content: Content = plain): string {
  return makeDirectory(join(directory, `root-${++count}`), content);
}

function file(bytes: string | Uint8Array): string {
  const path = join(directory, `binary-${++count}`);
  writeFileSync(path, bytes);
  return path;
}

const shell = (options: ElfOptions): Content => ({ "bin/sh": elf(options) });

async function expectTaken(where: string, ...words: string[]): Promise<void> {
  const { code, stderr } = await bake(where, ...words);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(existsSync(join(where, "usr/local/bin/mote"))).toBe(true);
}

async function expectRefused(where: string, text: string, ...words: string[]): Promise<void> {
  const before = tree(where);
  expect(refusal(await bake(where, ...words))).toContain(text);
  expect(tree(where)).toEqual(before);
}

describe("architecture", () => {
  test("L204: aarch64 for an amd64 root is refused", () => {
    return expectRefused(root(), "is for aarch64, but the root is x86_64", "--binary", file(elf(aarch64)));
  });

  test("amd64 for an aarch64 root is refused", () => {
    const where = root(shell(aarch64));
    return expectRefused(where, "is for x86_64, but the root is aarch64", "--binary", agentBinary);
  });

  test("another machine is refused", () => {
    const binary = file(elf({ machine: machine.riscv }));
    return expectRefused(root(), "is for machine 243, but the root is x86_64", "--binary", binary);
  });

  test("aarch64 for an aarch64 root is taken", () => {
    return expectTaken(root(shell(aarch64)), "--binary", file(elf(aarch64)));
  });

  test("the root's shell is found through its links", () => {
    const where = root({
      bin: { link: "usr/bin" },
      "usr/bin/sh": { link: "/etc/alternatives/sh" },
      "etc/alternatives/sh": { link: "../../usr/bin/dash" },
      "usr/bin/dash": elf(aarch64),
    });
    return expectRefused(where, "the root is aarch64", "--binary", agentBinary);
  });

  const without: [string, Content][] = [
    ["no shell", { "etc/hosts": "" }],
    ["a shell that is a script", { "bin/sh": "#!/bin/true\n" }],
  ];
  describe.each(without)("a root with %s", (_, content) => {
    test("needs to be told", async () => {
      await expectRefused(root(content), "to tell its architecture by: give --arch", "--binary", agentBinary);
      await expectTaken(root(content), "--binary", agentBinary, "--arch", "amd64");
      const other = ["--binary", agentBinary, "--arch", "arm64"];
      await expectRefused(root(content), "is for x86_64, but the root is aarch64", ...other);
    });
  });

  test("--arch does not overrule the root's shell", () => {
    return expectRefused(root(), "is x86_64, not aarch64", "--arch", "aarch64", "--binary", file(elf(aarch64)));
  });

  test("without --binary the one of dist/ is taken that the root needs", async () => {
    const where = root();
    await expectTaken(where);
    expect(readFileSync(join(where, "usr/local/bin/mote")).equals(readFileSync(agentBinary))).toBe(true);
  });
});

describe("linking", () => {
  const loader = "/lib64/ld-linux-x86-64.so.2";

  test.each([2, 3])("L205: a binary of type %d with an interpreter is refused, by name", (type) => {
    const binary = file(elf({ type, interpreter: loader }));
    return expectRefused(root(), `is dynamically linked: it asks for ${loader},`, "--binary", binary);
  });

  test("L205: a static PIE is taken", () => expectTaken(root(), "--binary", file(elf({ type: 3 }))));

  test("an interpreter's path in a static binary's data is mere data", () => {
    return expectTaken(root(), "--binary", file(elf({ content: `\0${loader}\0/lib/ld-musl-x86_64.so.1\0` })));
  });

  describe("L205: what compilers make", () => {
    const programs: [string, string[], string | undefined][] = [
      ["gcc", ["gcc"], "ld-linux"],
      ["gcc -no-pie", ["gcc", "-no-pie"], "ld-linux"],
      ["musl-gcc", ["musl-gcc"], "ld-musl"],
      ["gcc -static", ["gcc", "-static"], undefined],
      ["gcc -static-pie", ["gcc", "-static-pie"], undefined],
      ["musl-gcc -static", ["musl-gcc", "-static"], undefined],
    ];
    const source = file("int main(void) { return 0; }\n");
    test.each(programs)("%s", async (_, compiler, interpreter) => {
      const binary = join(directory, `program-${++count}`);
      await succeed([...compiler, "-x", "c", source, "-o", binary]);
      if (interpreter === undefined) await expectTaken(root(), "--binary", binary);
      else await expectRefused(root(), interpreter, "--binary", binary);
    });
  });
});

describe("not a program", () => {
  const whole = elf();
  const nonsense = Buffer.from(whole);
  nonsense.writeUInt16LE(0xffff, 56);
  const files: [string, string | Uint8Array, string][] = [
    ["an empty file", "", "is not a 64-bit ELF program"],
    ["a script", "#!/bin/sh\n", "is not a 64-bit ELF program"],
    ["a 32-bit program", elf({ bits: 1 }), "is not a 64-bit ELF program"],
    ["a big-endian program", elf({ order: 2 }), "is not a 64-bit ELF program"],
    ["an object file", elf({ type: 1 }), "is an ELF file but no program"],
    ["half a header", whole.subarray(0, 40), "its program headers make no sense"],
    ["too many program headers", nonsense, "its program headers make no sense"],
  ];
  test.each(files)("%s", (_, bytes, text) => expectRefused(root(), text, "--binary", file(bytes)));

  test("a file that is not there", () => expectRefused(root(), "/gone: no such file", "--binary", "/gone"));
});

describe("a sum beside the binary", () => {
  test("that matches is taken, in the form of sha256sum", async () => {
    const binary = file(elf({ content: "summed" }));
    await Bun.write(`${binary}.sha256`, await succeed(["sha256sum", binary]));
    await expectTaken(root(), "--binary", binary);
  });

  test("that does not match is refused", async () => {
    const binary = file(elf({ content: "changed" }));
    await Bun.write(`${binary}.sha256`, `${sha256(Buffer.from("other"))}  mote-x86_64\n`);
    await expectRefused(root(), "is not what", "--binary", binary);
  });
});
