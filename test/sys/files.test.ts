// Files: status, owners and names, writing in place, the file system's room.

import { describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statfsSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Errno } from "../../sys/errno.ts";
import { close, fstat, lstat, openForReading, stat, writeSome } from "../../sys/file.ts";
import { fileSystemType, PROC_MAGIC } from "../../sys/mount.ts";
import { changeLinkOwner, changeOwner, changeOwnerOf, rename } from "../../sys/node.ts";
import { openForOverwrite } from "../../sys/overwrite.ts";
import { statFileSystem } from "../../sys/space.ts";
import { makeFifo } from "../scratch.ts";
import { errnoOf } from "./errno-of.ts";
import { scratchFiles } from "./scratch-files.ts";

const { directory, fresh } = scratchFiles();

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

test("the room of a file system", () => {
  const expected = statfsSync(directory);
  const status = statFileSystem(directory);
  expect([status.type, status.blockSize, status.blocks]).toEqual([expected.type, expected.bsize, expected.blocks]);
  // Others write at the same time.
  expect(Math.abs(status.available - expected.bavail)).toBeLessThan(expected.blocks / 10);
  expect(fileSystemType("/proc")).toBe(PROC_MAGIC);
  expect(errnoOf(() => statFileSystem("/nonexistent"))).toBe(Errno.ENOENT);
});
