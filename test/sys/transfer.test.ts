// Bytes that the kernel moves from a file to a socket or a file.

import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { parseAddress } from "../../sys/address.ts";
import { Errno } from "../../sys/errno.ts";
import { close, openForReading } from "../../sys/file.ts";
import { openForOverwrite } from "../../sys/overwrite.ts";
import { connectBlocking } from "../../sys/socket.ts";
import { copyRange, sendFile } from "../../sys/transfer.ts";
import { makeFifo, noise } from "../scratch.ts";
import { scratchFiles } from "./scratch-files.ts";

const { fresh } = scratchFiles();

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
