// images/build.sh: the same bytes from any place and user, sizes, and what is in an image. MOTE_TEST_DEBIAN=1 adds the
// flavours that take minutes.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, statSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory, sha256 } from "../scratch.ts";
import { type Entry, ext4, initramfs, type Listing } from "./listing.ts";
import { agentBinary, repository, run, succeed } from "./scripts.ts";

const isSlow = process.env.MOTE_TEST_DEBIAN === "1";
setDefaultTimeout(isSlow ? 600_000 : 120_000);

const nobody = 65534;
const imageTime = 1_767_225_600;

interface Flavour {
  readonly words: readonly string[];
  /** File names, and the most bytes of those that have a limit. */
  readonly files: readonly (readonly [string, number?])[];
  /** Whether a user who is not root can build it. */
  readonly isAnyones: boolean;
}

const flavours: Readonly<Record<string, Flavour>> = {
  agent: { words: ["agent"], files: [["agent-x86_64.cpio.gz", 400_000]], isAnyones: true },
  busybox: {
    words: ["busybox"],
    files: [["busybox-x86_64.cpio.gz", 1_600_000], ["busybox-x86_64.ext4", 16 * 1024 * 1024]],
    isAnyones: true,
  },
  ...(isSlow && {
    debian: { words: ["debian"], files: [["debian-x86_64.ext4"]], isAnyones: false },
    "debian with systemd": {
      words: ["debian", "--systemd", "--profile", "e2b"],
      files: [["debian-systemd-x86_64.ext4"]],
      isAnyones: false,
    },
  }),
};

const directory = scratchDirectory();
/** On another kind of file system, which has its own order of names in a directory. */
const memory = mkdtempSync("/dev/shm/mote-test-");
afterAll(() => {
  remove(directory);
  remove(memory);
});

/** Builds here, as this user. Returns the output directory. */
async function buildHere({ words }: Flavour): Promise<string> {
  const [flavour = "", ...options] = words;
  const out = join(directory, "here");
  await succeed([join(repository, "images/build.sh"), flavour, "x86_64", out, ...options]);
  return out;
}

/**
 * Builds the same from a copy elsewhere, with another working directory, umask and, where that can be, user and file
 * system.
 */
async function buildElsewhere({ words, isAnyones }: Flavour): Promise<string> {
  const [flavour = "", ...options] = words;
  const place = join(directory, "elsewhere");
  if (!existsSync(place)) {
    chmodSync(directory, 0o755);
    cpSync(join(repository, "images"), join(place, "images"), { recursive: true });
    cpSync(agentBinary, join(place, "agent"));
    mkdirSync(join(place, "out"));
    for (const path of [join(place, "out"), memory]) chownSync(path, nobody, nobody);
  }
  // The package of busybox, which need not be fetched twice.
  const cache = "build/images";
  if (existsSync(join(repository, cache))) cpSync(join(repository, cache), join(place, cache), { recursive: true });
  const out = join(place, "out");
  const build = [join(place, "images/build.sh"), flavour, "amd64", out, "--binary", join(place, "agent"), ...options];
  const user = isAnyones ? ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"] : [];
  await succeed([...user, "sh", "-c", 'umask 077; exec "$@"', "sh", ...build], {
    cwd: "/",
    env: { TMPDIR: isAnyones ? memory : join(place, "out"), HOME: "/nonexistent", LANG: "C.UTF-8" },
  });
  return out;
}

function listingOf(path: string): Promise<Listing> {
  return path.endsWith(".ext4") ? ext4(path) : Promise.resolve(initramfs(path));
}

async function sumOf(path: string): Promise<string> {
  return (await succeed(["sha256sum", path])).slice(0, 64);
}

describe.each(Object.entries(flavours))("%s", (_, flavour) => {
  let here = "";
  beforeAll(async () => {
    here = await buildHere(flavour);
  });

  test("L200: two builds in different places have the same bytes", async () => {
    await Bun.sleep(1100); // file times of another second
    const elsewhere = await buildElsewhere(flavour);
    for (const [name] of flavour.files) {
      expect([name, await sumOf(join(elsewhere, name))]).toEqual([name, await sumOf(join(here, name))]);
    }
  });

  describe.each(flavour.files.map(([name, limit]) => ({ name, limit })))("$name", ({ name, limit }) => {
    let listing: Listing = new Map();
    beforeAll(async () => {
      listing = await listingOf(join(here, name));
    });
    const paths = (pattern: RegExp): string[] => [...listing.keys()].filter((path) => pattern.test(path));
    const entry = (path: string): Entry | undefined => listing.get(path);
    // Of an initramfs nobody but the agent mounts /dev, which it does when it listens.
    const devices = { "dev/console": "5:1", ...(name.endsWith(".cpio.gz") && { "dev/kmsg": "1:11" }) };

    if (limit !== undefined) {
      test(`is at most ${limit} bytes`, () => {
        expect(statSync(join(here, name)).size).toBeLessThanOrEqual(limit);
      });
    }

    test("L209: has the mount points, empty", () => {
      for (const path of ["dev", "proc", "sys", "run"]) {
        expect([path, entry(path)?.kind, entry(path)?.mode]).toEqual([path, "directory", 0o755]);
      }
      if (entry(".") !== undefined) expect(entry(".")?.mode).toBe(0o755); // ext4 has no such entry
      expect([entry("tmp")?.kind, entry("tmp")?.mode]).toEqual(["directory", 0o1777]);
      expect(paths(/^(dev|proc|sys|run|tmp)\//)).toEqual(Object.keys(devices));
    });

    test.each(Object.entries(devices))("has /%s, root's alone", (path, numbers) => {
      expect(entry(path)).toMatchObject({ kind: "device", mode: 0o600, owner: "0:0", content: numbers });
    });

    test("has the agent once, as built, and links to it", async () => {
      const sum = sha256(await Bun.file(agentBinary).bytes());
      const copies = [...listing].filter(([, { content }]) => content === sum);
      expect(copies.map(([path]) => path)).toEqual(["usr/local/bin/mote"]);
      expect(entry("usr/local/bin/mote")).toMatchObject({ kind: "file", mode: 0o755, owner: "0:0" });
      const links = [...listing].filter(([, { kind, content }]) => kind === "link" && content.endsWith("mote"));
      const named = flavour.words.includes("e2b") ? ["usr/bin/envd"] : ["init", "usr/local/bin/smolvm-guest-agent"];
      expect(links.map(([path]) => path)).toEqual(expect.arrayContaining(named));
    });

    test("has root, and localhost in both families", () => {
      const files = ["etc/passwd", "etc/group", "etc/hosts"];
      expect(files.map((path) => entry(path)?.mode)).toEqual([0o644, 0o644, 0o644]);
    });

    test("L209: has no host keys, no machine-id, no logs, no package lists", () => {
      expect(paths(/ssh_host_/)).toEqual([]);
      expect(["", sha256(Buffer.alloc(0)), undefined]).toContain(entry("etc/machine-id")?.content);
      expect(paths(/(dbus\/machine-id|\/random-seed|^etc\/hostname|^etc\/resolv\.conf)$/)).toEqual([]);
      const leftovers = paths(/^var\/(log|cache\/apt|lib\/apt\/lists)\//);
      expect(leftovers.filter((path) => entry(path)?.kind === "file")).toEqual([]);
    });

    test("has no Python", () => {
      expect(paths(/python|\.py[co]?$/i)).toEqual([]);
    });

    test("has one time", () => {
      expect(new Set([...listing.values()].flatMap(({ times }) => [...times]))).toEqual(new Set([imageTime]));
    });

    if (flavour.isAnyones) {
      test("belongs to root", () => {
        expect(new Set([...listing.values()].map(({ owner }) => owner))).toEqual(new Set(["0:0"]));
      });
    }

    if (name.endsWith(".ext4")) {
      test("is a sound file system", async () => {
        expect((await run(["e2fsck", "-fn", join(here, name)])).code).toBe(0);
      });
    }
  });
});

describe("busybox", () => {
  test("is the same in both forms", async () => {
    const out = await buildHere({ words: ["busybox", "--profile", "wrenn"], files: [], isAnyones: true });
    const first = new Map(initramfs(join(out, "busybox-x86_64.cpio.gz")));
    for (const path of [".", "dev/kmsg"]) first.delete(path);
    const second = await ext4(join(out, "busybox-x86_64.ext4"));
    const sorted = (listing: Listing): [string, Entry][] => [...listing].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(first)).toEqual(sorted(second));
    expect(second.get("usr/local/bin/wrenn-init")?.content).toBe("mote");
    expect(second.get("bin/sh")?.content).toBe("busybox");
  });
});

describe("a mistake is named, and nothing is built", () => {
  const mistakes: [string, string[], string][] = [
    ["no flavour", [], "which flavour?"],
    ["a flavour that does not exist", ["alpine"], "alpine: no such flavour"],
    ["an architecture that does not exist", ["agent", "mips"], "mips: no such architecture"],
    ["a profile that does not exist", ["agent", "--profile", "docker"], "docker: no such profile"],
    ["an option that does not exist", ["agent", "--colour"], "--colour: no such option"],
    ["an option without its value", ["agent", "--profile"], "--profile needs a value"],
    ["systemd in another flavour", ["agent", "--systemd"], "--systemd is for the flavour debian"],
    ["a size that is no number", ["busybox", "--size", "16M"], "--size 16M: a number of MiB"],
    ["an agent for another architecture", ["agent", "aarch64", "--binary", agentBinary], "but the root is aarch64"],
  ];
  test.each(mistakes)("%s", async (_, words, text) => {
    const out = join(directory, "mistake");
    const [flavour, ...rest] = words;
    const command = [join(repository, "images/build.sh"), ...(flavour === undefined ? [] : [flavour]), ...rest];
    const { code, stdout, stderr } = await run(command, { cwd: directory });
    expect({ code, stdout, text: stderr.includes(text) ? text : stderr }).toEqual({ code: 1, stdout: "", text });
    expect(existsSync(out)).toBe(false);
  });

  test("--help says how", async () => {
    const { code, stdout } = await run([join(repository, "images/build.sh"), "--help"]);
    expect(code).toBe(0);
    expect(stdout).toStartWith("usage: images/build.sh FLAVOUR");
  });
});
