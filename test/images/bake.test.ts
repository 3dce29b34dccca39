// images/bake.sh: what it puts into a root, where, and that it stays inside it.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory, sha256 } from "../scratch.ts";
import { elf } from "./elf.ts";
import { type Listing, tree } from "./listing.ts";
import { type Content, kinds, makeDirectory, makeImage, openrc, plain, systemd } from "./roots.ts";
import { bake, refusal, repository, type Result, run } from "./scripts.ts";

setDefaultTimeout(60_000);

const directory = scratchDirectory();
afterAll(() => remove(directory));

let count = 0;
/** A path that no other test uses. */
function fresh(name = "root"): string {
  return join(directory, `${name}-${++count}`);
}

const agent = join(directory, "agent");
writeFileSync(agent, elf({ content: "the agent" }));

function done({ code, stderr }: Result): string {
  if (code !== 0) throw new Error(`bake.sh ended with ${code}: ${stderr}`);
  return stderr;
}

/** The links of a listing that lead to the agent, as `path -> target`. */
function agentLinks(listing: Listing): string[] {
  return [...listing]
    .filter(([, { kind, content }]) => kind === "link" && /(^|\/)(mote|[^/]+\.service)$/.test(content))
    .map(([path, { content }]) => `${path} -> ${content}`)
    .sort();
}

const inits = ["init -> usr/local/bin/mote", "sbin/init -> ../usr/local/bin/mote"];
const profiles: [string, string[]][] = [
  ["smolvm", ["usr/local/bin/smolvm-guest-agent -> mote"]],
  ["wrenn", ["usr/local/bin/envd -> mote", "usr/local/bin/wrenn-init -> mote"]],
  ["e2b", ["usr/bin/envd -> ../local/bin/mote"]],
  ["generic", []],
];

describe.each(kinds.map((kind) => ({ ...kind })))("$name", ({ make, list }) => {
  describe.each(profiles)("profile %s", (profile, links) => {
    test("has one file, its names, mount points and a console", async () => {
      const root = await make(fresh(), plain);
      done(await bake(root, "--profile", profile, "--binary", agent));
      const listing = await list(root);
      expect(listing.get("usr/local/bin/mote")).toMatchObject({
        kind: "file",
        mode: 0o755,
        owner: "0:0",
        content: sha256(readFileSync(agent)),
      });
      expect(agentLinks(listing)).toEqual([...inits, ...links].sort());
      for (const path of ["dev", "proc", "sys", "run"]) expect(listing.get(path)?.mode).toBe(0o755);
      expect(listing.get("tmp")?.mode).toBe(0o1777);
      expect(listing.get("dev/console")).toMatchObject({ kind: "device", mode: 0o600, content: "5:1" });
    });
  });

  test("twice changes nothing", async () => {
    const root = await make(fresh(), systemd);
    done(await bake(root, "--binary", agent));
    const first = await list(root);
    const before = lstatSync(root);
    const said = done(await bake(root, "--binary", agent));
    expect(said.trim().split("\n")).toHaveLength(1);
    expect(await list(root)).toEqual(first); // times too
    expect(lstatSync(root).mtimeMs).toBe(before.mtimeMs);
  });

  test("a new agent takes the place of the old one, whatever that was", async () => {
    const old: Content = {
      ...plain,
      "usr/local/bin/mote": "old",
      "usr/local/bin/smolvm-guest-agent": "#!/usr/bin/env python3\n",
      init: { link: "/usr/local/bin/mote" },
      "sbin/init": { link: "../gone" },
    };
    const root = await make(fresh(), old);
    done(await bake(root, "--binary", agent));
    const listing = await list(root);
    expect(listing.get("usr/local/bin/mote")?.content).toBe(sha256(readFileSync(agent)));
    expect(agentLinks(listing)).toEqual([...inits, "usr/local/bin/smolvm-guest-agent -> mote"]);
  });

  test("several profiles stand side by side", async () => {
    const root = await make(fresh(), systemd);
    done(await bake(root, "--profile", "smolvm", "--binary", agent));
    done(await bake(root, "--profile", "e2b", "--binary", agent));
    expect(agentLinks(await list(root))).toEqual([
      "etc/systemd/system/multi-user.target.wants/envd.service -> ../envd.service",
      "etc/systemd/system/multi-user.target.wants/mote.service -> ../mote.service",
      "usr/bin/envd -> ../local/bin/mote",
      "usr/local/bin/smolvm-guest-agent -> mote",
    ]);
  });

  test("a root's own init stays, and the answer says how the agent starts", async () => {
    const own: Content = { ...plain, init: "#!/bin/sh\n", "sbin/init": { link: "../bin/sh" } };
    const root = await make(fresh(), own);
    const said = done(await bake(root, "--profile", "wrenn", "--binary", agent));
    for (const path of ["/init", "/sbin/init"]) {
      const name = "/usr/local/bin/wrenn-init";
      expect(said).toContain(`${path} stays as it is: let it start ${name}, or boot with init=${name}`);
    }
    const listing = await list(root);
    expect(listing.get("init")?.content).toBe(sha256(Buffer.from("#!/bin/sh\n")));
    expect(listing.get("sbin/init")?.content).toBe("../bin/sh");
  });

  test("links hold where /sbin and others are links themselves", async () => {
    const usr: Content = { "usr/bin/sh": elf(), "usr/sbin/x": "" };
    const root = await make(fresh(), { ...usr, bin: { link: "usr/bin" }, sbin: { link: "/usr/sbin" } });
    done(await bake(root, "--binary", agent));
    const listing = await list(root);
    expect(listing.get("usr/sbin/init")?.content).toBe("../local/bin/mote");
    expect(listing.get("sbin")?.kind).toBe("link");
  });

  test("a directory where a file should be is refused", async () => {
    const root = await make(fresh(), { ...plain, "usr/local/bin/mote/x": "" });
    expect(refusal(await bake(root, "--binary", agent))).toContain("/usr/local/bin/mote of the root is a directory");
  });

  test("a file where a directory should be is refused", async () => {
    const root = await make(fresh(), { ...plain, "usr/local": "" });
    expect(refusal(await bake(root, "--binary", agent))).toContain("/usr/local of the root is not a directory");
  });

  test("links that lead in a circle are refused", async () => {
    const circle: Content = { "usr/local": { link: "/usr/locale" }, "usr/locale": { link: "local" } };
    const root = await make(fresh(), { ...plain, ...circle });
    expect(refusal(await bake(root, "--binary", agent))).toContain("too many symbolic links");
  });
});

describe("nothing outside of the root is written", () => {
  const outside = join(directory, "outside");
  mkdirSync(join(outside, "bin"), { recursive: true });
  writeFileSync(join(outside, "victim"), "untouched");
  const up = "../".repeat(30);

  const traps: [string, Content][] = [
    ["an absolute link for a directory", { ...plain, "usr/local": { link: outside } }],
    ["a link with many ..", { ...plain, "usr/local": { link: `${up}${outside.slice(1)}` } }],
    ["links to links", { ...plain, usr: { link: "/a" }, a: { link: "b/../c" }, c: { link: up }, d: { link: outside } }],
    ["a link to a link that leads out", { ...plain, usr: { link: "/a" }, a: { link: "b/../c" }, c: { link: outside } }],
    ["links for the files themselves", {
      ...plain,
      "usr/local/bin/mote": { link: join(outside, "victim") },
      "usr/local/bin/smolvm-guest-agent": { link: join(outside, "victim") },
      "dev/console": { link: join(outside, "victim") },
    }],
    ["links for the service's directories", { ...systemd, "etc/systemd": { link: outside }, dev: { link: outside } }],
  ];
  test.each(traps)("%s", async (_, content) => {
    const before = tree(outside);
    const root = makeDirectory(fresh(), content);
    done(await bake(root, "--binary", agent));
    expect(tree(outside)).toEqual(before);
    const found = [...tree(root)].filter(([, entry]) => entry.content === sha256(readFileSync(agent)));
    expect(found.map(([, { kind }]) => kind)).toEqual(["file"]);
  });
});

describe("a service", () => {
  test("of systemd comes with its preset, and /init stays away", async () => {
    const root = makeDirectory(fresh(), systemd);
    done(await bake(root, "--profile", "e2b", "--binary", agent));
    const read = (path: string): string => readFileSync(join(root, path), "utf8");
    expect(read("etc/systemd/system/envd.service")).toMatch(/^ExecStart=\/usr\/bin\/envd$/m);
    expect(read("etc/systemd/system-preset/00-envd.preset")).toBe("enable envd.service\n");
    const listing = tree(root);
    expect(agentLinks(listing)).toEqual([
      "etc/systemd/system/multi-user.target.wants/envd.service -> ../envd.service",
      "usr/bin/envd -> ../local/bin/mote",
    ]);
    expect(listing.get("etc/systemd/system/envd.service")?.mode).toBe(0o644);
    expect(listing.get("usr/sbin/init")?.content).toBe("/lib/systemd/systemd");
  });

  test("of OpenRC is in the default runlevel, and /sbin/init stays", async () => {
    const root = makeDirectory(fresh(), openrc);
    done(await bake(root, "--binary", agent));
    const listing = tree(root);
    const service = readFileSync(join(root, "etc/init.d/mote"), "utf8").split("\n");
    expect(service).toContain("command=/usr/local/bin/smolvm-guest-agent");
    expect(listing.get("etc/init.d/mote")?.mode).toBe(0o755);
    expect(listing.get("etc/runlevels/default/mote")?.content).toBe("../../init.d/mote");
    expect(listing.get("sbin/init")?.content).toBe("/bin/busybox");
    expect(listing.has("init")).toBe(false);
  });
});

test("an image's link with a command of debugfs in it is refused", async () => {
  const stolen = fresh("stolen");
  const link = `${"x".repeat(60)}\ndump /bin/sh ${stolen}`;
  for (const target of [link, `a"b`]) {
    const image = await makeImage(fresh("image"), { ...plain, "usr/local": { link: target } });
    expect(refusal(await bake(image, "--binary", agent))).toContain("a quotation mark or a line end");
    expect(existsSync(stolen)).toBe(false);
  }
});

describe("an image that cannot be baked into stays as it was", () => {
  const filler = join(directory, "filler");
  writeFileSync(filler, Buffer.alloc(6_200_000, 1));
  const change = (image: string, command: string): Promise<unknown> => run(["debugfs", "-w", "-R", command, image]);
  const spoiled: [string, (image: string) => Promise<unknown>, string][] = [
    ["no file system", (image) => Bun.write(image, Buffer.alloc(1 << 20)), "no ext2, ext3 or ext4 file system"],
    ["a journal to be replayed", (image) => change(image, "feature needs_recovery"), "journal has not been replayed"],
    ["errors", (image) => change(image, "clri /etc"), "the file system has errors"],
    ["full", (image) => change(image, `write ${filler} filler`), "bytes free"],
  ];
  test.each(spoiled)("%s", async (_, spoil, text) => {
    const image = await makeImage(fresh("image"), plain);
    await spoil(image);
    const before = sha256(readFileSync(image));
    const large = join(directory, "large");
    writeFileSync(large, elf({ content: "x".repeat(2_000_000) }));
    expect(refusal(await bake(image, "--binary", large, "--arch", "x86_64"))).toContain(text);
    expect(sha256(readFileSync(image))).toBe(before);
  });

  test("a file system with E2B's features is none of them", async () => {
    const features = "^64bit,^dir_index,^dir_nlink,inline_data,sparse_super2,^resize_inode";
    const image = await makeImage(fresh("image"), systemd, "-O", features, "-I", "256");
    done(await bake(image, "--profile", "e2b", "--binary", agent));
  });
});

describe("as a user who is not root", () => {
  const nobody = 65534;
  test.each(kinds.map((kind) => ({ ...kind })))("$name of one's own", async ({ make, list }) => {
    const place = fresh("place");
    mkdirSync(place);
    for (const path of [directory, place]) chmodSync(path, 0o755);
    chmodSync(agent, 0o644);
    const root = await make(join(place, "root"), plain);
    await run(["chown", "-R", `${nobody}:${nobody}`, place]);
    const user = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
    const scripts = join(place, "images"); // the repository may be closed to others
    await run(["cp", "-r", join(repository, "images"), scripts]);
    const command = [...user, join(scripts, "bake.sh"), root, "--binary", agent];
    done(await run(command, { env: { TMPDIR: place }, cwd: place }));
    expect(agentLinks(await list(root))).toEqual([...inits, "usr/local/bin/smolvm-guest-agent -> mote"]);
  });
});

describe("a mistake is named", () => {
  const mistakes: [string, string[], string][] = [
    ["no root", [], "which root?"],
    ["two roots", ["a", "b"], "one root at a time: b"],
    ["a root that does not exist", ["/nonexistent"], "/nonexistent: no such directory or image"],
    ["this machine", ["/"], "this machine's own root is not baked into"],
    ["a profile that does not exist", ["a", "--profile", "docker"], "docker: no such profile; choose of smolvm"],
    ["an architecture that does not exist", ["a", "--arch", "mips"], "mips: no such architecture"],
    ["an option that does not exist", ["a", "--force"], "--force: no such option"],
    ["an option without its value", ["a", "--arch"], "--arch needs a value"],
  ];
  test.each(mistakes)("%s", async (_, words, text) => {
    expect(refusal(await bake(...words))).toContain(text);
  });

  test("--help says how", async () => {
    const { code, stdout } = await bake("--help");
    expect(code).toBe(0);
    expect(stdout).toStartWith("usage: images/bake.sh ROOT");
  });
});
