// Files: status, writing in place, parents, bytes that the kernel moves, the file system's room.

import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync, existsSync, linkSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, statfsSync, statSync, symlinkSync,
  writeFileSync, chmodSync, chownSync, readlinkSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { parseAddress } from "../../sys/address.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { close, fstat, lstat, openForReading, stat, writeSome } from "../../sys/file.ts";
import { fileSystemType, PROC_MAGIC } from "../../sys/mount.ts";
import { changeLinkOwner, changeOwner, changeOwnerOf, rename } from "../../sys/node.ts";
import { openForOverwrite } from "../../sys/overwrite.ts";
import { ensureDirectories, NotDirectoryError } from "../../sys/parents.ts";
import { connectBlocking, Listener } from "../../sys/socket.ts";
import { statFileSystem } from "../../sys/space.ts";
import { copyRange, sendFile } from "../../sys/transfer.ts";
import { makeFifo, noise, remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));

let count = 0;
/** A name of its own in the directory. */
const fresh = (): string => join(directory, `${count++}`);

function errnoOf(body: () => unknown): number {
  try {
    body();
  } catch (error) {
    if (error instanceof SysError) return error.errno;
    throw error;
  }
  return 0;
}

const bytes = new TextEncoder().encode("content");

describe("status", () => {
  test.each([["a regular file", "isRegular"], ["a directory", "isDirectory"], ["a link", "isLink"], ["a FIFO", "isFifo"]])(
    "of %s",
    (_, name) => {
      const path = fresh();
      if (name === "isRegular") writeFileSync(path, "");
      if (name === "isDirectory") mkdirSync(path);
      if (name === "isLink") symlinkSync("nowhere", path);
      if (name === "isFifo") makeFifo(path);
      const { isRegular, isDirectory, isLink, isFifo, isSocket, mode } = lstat(path);
      expect({ isRegular, isDirectory, isLink, isFifo, isSocket }).toEqual({
        isRegular: false, isDirectory: false, isLink: false, isFifo: false, isSocket: false, [name]: true,
      });
      expect(mode).toBe(lstatSync(path).mode);
    },
  );

  test("owner and time, also before 1970 and after 2106", () => {
    const path = fresh();
    writeFileSync(path, "");
    chownSync(path, 12345, 4_000_000_000);
    expect([stat(path).uid, stat(path).gid]).toEqual([12345, 4_000_000_000]);
    for (const [seconds, fraction] of [[-2, 0.25], [0, 0.25], [1_767_323_045, 0.123456789], [5_000_000_000, 0.5]] as const) {
      const date = seconds < 0 ? "@-1.75" : `@${seconds}${`${fraction}`.slice(1)}`;
      expect(Bun.spawnSync(["touch", "-d", date, path]).exitCode).toBe(0);
      expect([stat(path).modifiedSeconds, stat(path).modifiedNanoseconds]).toEqual([seconds, Math.round(fraction * 1e9)]);
    }
  });
});

describe("overwriting", () => {
  test("a file that is missing is made with mode 0666 less the umask", () => {
    const path = fresh();
    const mask = process.umask(0o027);
    const { fd, isNew } = openForOverwrite(path);
    process.umask(mask);
    expect(isNew).toBe(true);
    expect(writeSome(fd, bytes, 1, bytes.length)).toBe(6);
    close(fd);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(readFileSync(path, "utf8")).toBe("ontent");
  });

  test("one that is there keeps inode, mode and other names, and is emptied", () => {
    const path = fresh();
    const other = fresh();
    const link = fresh();
    writeFileSync(path, "longer than before");
    chmodSync(path, 0o751);
    linkSync(path, other);
    symlinkSync(path, link);
    const before = statSync(path);
    const { fd, isNew } = openForOverwrite(link);
    expect(isNew).toBe(false);
    expect(statSync(path).size).toBe(0);
    writeSome(fd, bytes, 0, 3);
    close(fd);
    expect(readFileSync(other, "utf8")).toBe("con");
    expect([statSync(path).ino, statSync(path).mode]).toEqual([before.ino, before.mode]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  test("what a link points to is made, and is new", () => {
    const [target, link] = [fresh(), fresh()];
    symlinkSync(target, link);
    const { fd, isNew } = openForOverwrite(link);
    close(fd);
    expect(isNew).toBe(true);
    expect(existsSync(target)).toBe(true);
  });

  test("a file of somebody else in a directory like /tmp is written too", () => {
    const shared = fresh();
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const path = join(shared, "theirs");
    writeFileSync(path, "");
    chownSync(path, 1000, 1000);
    const { fd, isNew } = openForOverwrite(path);
    close(fd);
    expect(isNew).toBe(false);
  });

  test("a FIFO without a reader fails, one with a reader takes what it can", () => {
    const path = fresh();
    makeFifo(path);
    expect(errnoOf(() => openForOverwrite(path))).toBe(Errno.ENXIO);
    const reader = openForReading(path);
    const { fd } = openForOverwrite(path);
    const much = new Uint8Array(1 << 20);
    const taken = writeSome(fd, much, 0, much.length);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(much.length);
    expect(writeSome(fd, much, 0, much.length)).toBe(-Errno.EAGAIN);
    close(reader);
    close(fd);
  });

  test.each([["a directory", "", 21], ["a name below a file", "/file/x", 20], ["a name without a directory", "/no/x", 2]])(
    "%s is refused",
    (_, suffix, errno) => {
      const path = fresh();
      mkdirSync(path);
      writeFileSync(join(path, "file"), "");
      expect(errnoOf(() => openForOverwrite(path + suffix))).toBe(errno);
    },
  );
});

describe("parents", () => {
  const owners = (path: string): number[] => [statSync(path).uid, statSync(path).gid, statSync(path).mode & 0o7777];

  test("those that are missing are made for the owner, the others stay", () => {
    const root = fresh();
    mkdirSync(root);
    chmodSync(root, 0o711);
    ensureDirectories(`${root}//a/../a/./b/c/`, 1000, 1001);
    expect(owners(root)).toEqual([0, 0, 0o711]);
    for (const made of ["a", "a/b", "a/b/c"]) expect(owners(join(root, made))).toEqual([1000, 1001, 0o755]);
    ensureDirectories(join(root, "a/b"), 5, 5);
    expect(owners(join(root, "a/b"))).toEqual([1000, 1001, 0o755]);
  });

  test("the umask applies, and links are followed", () => {
    const root = fresh();
    mkdirSync(join(root, "real"), { recursive: true });
    symlinkSync("real", join(root, "link"));
    const mask = process.umask(0o077);
    ensureDirectories(join(root, "link/x"), 7, 7);
    process.umask(mask);
    expect(owners(join(root, "real/x"))).toEqual([7, 7, 0o700]);
  });

  test.each([["", "/file"], ["/x", "/file"], ["/x/y/z", "/file"]])("a file on the way is named: /file%s", (rest, named) => {
    const root = fresh();
    mkdirSync(root);
    writeFileSync(join(root, "file"), "");
    try {
      ensureDirectories(`${root}/file${rest}`, 0, 0);
      expect.unreachable();
    } catch (error) {
      if (!(error instanceof NotDirectoryError)) throw error;
      expect(error.path).toBe(root + named);
    }
  });

  test("a link to nothing, and a path that is too long", () => {
    const root = fresh();
    mkdirSync(root);
    symlinkSync("nothing", join(root, "link"));
    expect(errnoOf(() => ensureDirectories(join(root, "link/x"), 0, 0))).toBe(Errno.EEXIST);
    expect(errnoOf(() => ensureDirectories(`${root}/${"x".repeat(300)}`, 0, 0))).toBe(36);
    expect(errnoOf(() => ensureDirectories(`${root}${"/xxxxxxx".repeat(600)}`, 0, 0))).toBe(36);
    for (const there of ["/", "//", "", "."]) ensureDirectories(there, 0, 0);
  });

  test("as long as a path may be", () => {
    const root = fresh();
    const path = `${root}${`/${"d".repeat(200)}`.repeat(20)}`;
    ensureDirectories(path, 0, 0);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  test("no descriptor is left open", () => {
    const root = fresh();
    mkdirSync(root);
    writeFileSync(join(root, "file"), "");
    const before = readdirSync("/proc/self/fd").length;
    ensureDirectories(join(root, "a/b/c"), 0, 0);
    ensureDirectories(join(root, "a/b"), 0, 0);
    for (const bad of ["file/x", "file", `a/${"x".repeat(300)}/b`]) expect(() => ensureDirectories(join(root, bad), 0, 0)).toThrow();
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });

  test("whoever else makes them at the same time is no error", async () => {
    // Whoever is behind finds directories, which is faster than making them, and so catches up with the other.
    const root = fresh();
    mkdirSync(root);
    const script = `for await (const line of console) if (line) console.log(require("node:fs").mkdirSync(line, { recursive: true }));`;
    const rival = Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe" });
    const answers = rival.stdout.getReader();
    for (let round = 0; round < 25; round++) {
      const path = `${root}/${round}${"/d".repeat(40)}`;
      rival.stdin.write(`${path}\n`);
      await rival.stdin.flush();
      ensureDirectories(path, 3, 3);
      await answers.read();
      expect(statSync(path).isDirectory()).toBe(true);
    }
    rival.stdin.end();
    expect(await rival.exited).toBe(0);
    Bun.spawnSync(["rm", "-r", root]);
  }, 30_000);
});

describe("owners and names", () => {
  test("are changed of a file, a link, an open file", () => {
    const [path, link] = [fresh(), fresh()];
    writeFileSync(path, "");
    symlinkSync(path, link);
    changeOwner(link, 10, -1);
    changeLinkOwner(link, 20, 21);
    const fd = openForReading(path);
    changeOwnerOf(fd, path, -1, 11);
    expect([fstat(fd).uid, fstat(fd).gid]).toEqual([10, 11]);
    close(fd);
    expect([lstatSync(link).uid, lstatSync(link).gid]).toEqual([20, 21]);
    expect(errnoOf(() => changeOwner(fresh(), 0, 0))).toBe(Errno.ENOENT);
  });

  test("a rename replaces, a link itself", () => {
    const [from, to, target] = [fresh(), fresh(), fresh()];
    writeFileSync(from, "new");
    writeFileSync(target, "kept");
    symlinkSync(target, to);
    rename(from, to);
    expect([readFileSync(to, "utf8"), readFileSync(target, "utf8"), existsSync(from)]).toEqual(["new", "kept", false]);
    expect(() => readlinkSync(to)).toThrow();
    expect(errnoOf(() => rename(from, to))).toBe(Errno.ENOENT);
  });
});

test("a listener's backlog is as long as asked for", () => {
  const paths = [fresh(), fresh()];
  const listeners = [Listener.open(parseAddress(`unix:${paths[0]}`)), Listener.open(parseAddress(`unix:${paths[1]}`), 100)];
  const lines = Bun.spawnSync(["ss", "-lxnH"]).stdout.toString().split("\n");
  const backlogs = paths.map((path) => lines.find((line) => line.includes(`${path} `))?.split(/ +/)[3]);
  for (const listener of listeners) listener.close();
  expect(backlogs).toEqual(["1024", "100"]);
});

describe("the kernel moves", () => {
  test("a file to a socket, from an offset beyond 2^32 too", async () => {
    const path = fresh();
    const content = noise(300_000);
    writeFileSync(path, "");
    Bun.spawnSync(["truncate", "-s", "5G", path]);
    Bun.spawnSync(["dd", `of=${path}`, "bs=1M", "seek=5", "oflag=seek_bytes", "conv=notrunc"], { stdin: content });
    const base = 5 * 1024 ** 3;
    Bun.spawnSync(["dd", `of=${path}`, "bs=1M", `seek=${base}`, "oflag=seek_bytes", "conv=notrunc"], { stdin: content });
    const chunks: Buffer[] = [];
    const socketPath = fresh();
    const ended = Promise.withResolvers<void>();
    const server = createServer((socket: Socket) => {
      socket.on("data", (chunk) => chunks.push(Buffer.from(chunk))).on("end", () => ended.resolve());
    });
    await new Promise<void>((resolve) => server.listen(socketPath, () => resolve()));
    const socket = connectBlocking(parseAddress(`unix:${socketPath}`));
    const file = openForReading(path);
    let sent = 0;
    while (sent < content.length) {
      // Small steps: the socket blocks, and its reader is this very thread.
      const step = sendFile(socket, file, base + sent, Math.min(20_000, content.length - sent));
      expect(step).toBeGreaterThan(0);
      sent += step;
      await Bun.sleep(0);
    }
    expect(sendFile(socket, file, base + sent, 1000)).toBe(0);
    expect(sendFile(file, file, 0, 1)).toBeLessThan(0);
    close(socket);
    close(file);
    await ended.promise;
    server.close();
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test("a file to a file, one after the other", () => {
    const [one, two, target] = [fresh(), fresh(), fresh()];
    writeFileSync(one, noise(100_000, 1));
    writeFileSync(two, noise(50_000, 2));
    const { fd } = openForOverwrite(target);
    for (const path of [one, two]) {
      const from = openForReading(path);
      for (;;) {
        const copied = copyRange(from, fd, 30_000);
        expect(copied).toBeGreaterThanOrEqual(0);
        if (copied === 0) break;
      }
      close(from);
    }
    close(fd);
    expect(readFileSync(target).equals(Buffer.concat([noise(100_000, 1), noise(50_000, 2)]))).toBe(true);
  });

  test("what it cannot copy is told by the error", () => {
    const [target, fifo] = [fresh(), fresh()];
    makeFifo(fifo);
    const { fd } = openForOverwrite(target);
    const from = openForReading(fifo);
    expect(copyRange(from, fd, 100)).toBe(-Errno.EINVAL);
    close(from);
    close(fd);
  });
});

test("the room of a file system", () => {
  const expected = statfsSync(directory);
  const status = statFileSystem(directory);
  expect([status.type, status.blockSize, status.blocks]).toEqual([expected.type, expected.bsize, expected.blocks]);
  // Others write at the same time.
  expect(Math.abs(status.available - expected.bavail)).toBeLessThan(expected.blocks / 10);
  expect(fileSystemType("/proc")).toBe(PROC_MAGIC);
  expect(errnoOf(() => statFileSystem("/nonexistent"))).toBe(Errno.ENOENT);
});

test("reading from the position that copying left", () => {
  const path = fresh();
  writeFileSync(path, "0123456789");
  const from = openSync(path, "r");
  const { fd } = openForOverwrite(fresh());
  expect(copyRange(from, fd, 4)).toBe(4);
  const rest = Buffer.alloc(10);
  expect(readSync(from, rest)).toBe(6);
  closeSync(from);
  close(fd);
});
