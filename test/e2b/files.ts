// Contents of files: sandbox.files.read, write, writeFiles.

import { AuthenticationError, FileNotFoundError, InvalidArgumentError } from "e2b";
import { deepEqual, equal } from "node:assert/strict";
import { cases, failure } from "./case.ts";

const text = "line\nüber 漢字 😀\n";

/** All byte values, so many times. */
function bytes(times: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(256 * times).map((_, i) => (i * 7) ^ (i >> 8));
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** A stream of pieces, each made when it is asked for. */
function streamOf(pieces: readonly Uint8Array<ArrayBuffer>[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[next++];
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    pieces.push(value);
  }
}

export const files = cases("E02: files", {
  "a text, and what is told of the file": async ({ sandbox, directory }) => {
    const path = `${directory}/text`;
    deepEqual({ ...(await sandbox.files.write(path, text)) }, { name: "text", type: "file", path, metadata: undefined });
    equal(await sandbox.files.read(path), text);
    equal((await sandbox.commands.run(`cat ${path}`)).stdout, text);
  },

  "a shorter text replaces a longer one": async ({ sandbox, directory }) => {
    const path = `${directory}/text`;
    await sandbox.files.write(path, "x".repeat(10_000));
    await sandbox.files.write(path, "short");
    equal(await sandbox.files.read(path), "short");
  },

  "every format of read": async ({ sandbox, directory }) => {
    const path = `${directory}/bytes`;
    const content = bytes(1000);
    await sandbox.files.write(path, content.buffer);
    equal(isEqual(await sandbox.files.read(path, { format: "bytes" }), content), true);
    equal(isEqual(new Uint8Array(await (await sandbox.files.read(path, { format: "blob" })).arrayBuffer()), content), true);
    equal(isEqual(await collect(await sandbox.files.read(path, { format: "stream" })), content), true);
    equal(isEqual(await sandbox.files.read(path, { format: "bytes", gzip: true }), content), true);
    equal(isEqual(await collect(await sandbox.files.read(path, { format: "stream", gzip: true })), content), true);
    equal(await sandbox.files.read(path, { gzip: true }), new TextDecoder().decode(content));
  },

  "every form of write": async ({ sandbox, directory }) => {
    const content = bytes(1000);
    const forms: [string, ArrayBuffer | Blob | (() => ReadableStream)][] = [
      ["buffer", content.buffer],
      ["blob", new Blob([content])],
      ["stream", () => streamOf([content.slice(0, 1), content.slice(1, 70_000), content.slice(70_000)])],
    ];
    for (const [name, data] of forms) {
      for (const options of [{}, { useOctetStream: true }, { useOctetStream: false }, { gzip: true }]) {
        const path = `${directory}/${name}`;
        await sandbox.files.write(path, typeof data === "function" ? data() : data, options);
        const back = await sandbox.files.read(path, { format: "bytes" });
        deepEqual([name, options, isEqual(back, content)], [name, options, true]);
        await sandbox.files.remove(path);
      }
    }
  },

  "an empty file in every format": async ({ sandbox, directory }) => {
    const path = `${directory}/empty`;
    await sandbox.files.write(path, "");
    equal(await sandbox.files.read(path), "");
    equal((await sandbox.files.read(path, { format: "bytes" })).length, 0);
    equal((await sandbox.files.read(path, { format: "blob" })).size, 0);
    equal((await collect(await sandbox.files.read(path, { format: "stream" }))).length, 0);
    await sandbox.files.write(path, "", { useOctetStream: true });
    equal((await sandbox.files.getInfo(path)).size, 0);
  },

  "8 MiB up and down, in one piece and as a stream": async ({ sandbox, directory }) => {
    const path = `${directory}/large`;
    const content = bytes(32_768);
    await sandbox.files.write(path, content.buffer);
    equal(isEqual(await sandbox.files.read(path, { format: "bytes" }), content), true);
    const pieces = Array.from({ length: 128 }, (_, i) => content.slice(i * 65_536, (i + 1) * 65_536));
    await sandbox.files.write(path, streamOf(pieces));
    equal(isEqual(await collect(await sandbox.files.read(path, { format: "stream" })), content), true);
  },

  "a stream that is left in the middle": async ({ sandbox, directory }) => {
    const path = `${directory}/large`;
    await sandbox.files.write(path, bytes(32_768).buffer);
    for (let i = 0; i < 12; i++) {
      const reader = (await sandbox.files.read(path, { format: "stream" })).getReader();
      await reader.read();
      await reader.cancel();
    }
    equal(await sandbox.isRunning(), true);
  },

  "several files in one call": async ({ sandbox, directory }) => {
    const entries = [
      { path: `${directory}/a`, data: "1" },
      { path: `${directory}/deep/er/b`, data: new Blob(["22"]) },
      { path: `${directory}/c`, data: bytes(2).buffer },
    ];
    for (const options of [{}, { useOctetStream: true }]) {
      const written = await sandbox.files.write(entries, options);
      deepEqual(written.map(({ name, path, type }) => [name, path, type]), entries.map(({ path }) => [path.slice(path.lastIndexOf("/") + 1), path, "file"]));
      equal(await sandbox.files.read(`${directory}/deep/er/b`), "22");
      equal((await sandbox.files.getInfo(`${directory}/c`)).size, 512);
    }
    deepEqual((await sandbox.files.writeFiles([{ path: `${directory}/d`, data: "4" }])).map(({ path }) => path), [`${directory}/d`]);
    deepEqual(await sandbox.files.write([]), []);
  },

  "missing directories are made, the user's": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/x/y/z`, "deep");
    for (const path of ["x", "x/y", "x/y/z"]) {
      const { owner, group } = await sandbox.files.getInfo(`${directory}/${path}`);
      deepEqual([path, owner, group], [path, "user", "user"]);
    }
  },

  "relative paths are below home": async ({ sandbox, directory }) => {
    const relative = `${directory.replace("/home/user/", "")}/relative`;
    equal((await sandbox.files.write(relative, "r")).path, `${directory}/relative`);
    equal(await sandbox.files.read(relative), "r");
    equal(await sandbox.files.read(`~/${relative}`), "r");
  },

  "names of every kind": async ({ sandbox, directory }) => {
    for (const name of ["with blank", "über 漢", "100%+&?=#;,", "a\"b'c", "-n", ".hidden", "back\\slash"]) {
      const path = `${directory}/${name}`;
      for (const options of [{ useOctetStream: false }, { useOctetStream: true }]) {
        const info = await sandbox.files.write(path, name, options);
        deepEqual([info.name, info.path], [name, path]);
        equal(await sandbox.files.read(path), name);
        equal((await sandbox.files.getInfo(path)).name, name);
        await sandbox.files.remove(path);
      }
    }
  },

  "another user's": async ({ sandbox, directory }) => {
    const path = `${directory}/roots`;
    await sandbox.files.write(path, "r", { user: "root" });
    equal((await sandbox.files.getInfo(path)).owner, "root");
    equal((await sandbox.files.write("of-root", "r", { user: "root" })).path, "/root/of-root");
    equal(await sandbox.files.read("of-root", { user: "root" }), "r");
    await sandbox.files.remove("of-root", { user: "root" });
    await failure(sandbox.files.write(path, "g", { user: "ghost" }), AuthenticationError, "ghost");
    await failure(sandbox.files.read(path, { user: "ghost" }), AuthenticationError, "ghost");
  },

  "what is missing, or a directory": async ({ sandbox, directory }) => {
    await failure(sandbox.files.read(`${directory}/none`), FileNotFoundError);
    await failure(sandbox.files.read(`${directory}/none`, { format: "stream" }), FileNotFoundError);
    await failure(sandbox.files.read(directory), InvalidArgumentError);
    await failure(sandbox.files.write(directory, "x"), InvalidArgumentError);
  },

  "metadata, as it is written, listed, told and moved": async ({ sandbox, directory }) => {
    const path = `${directory}/marked`;
    const metadata = { author: "mish", "of-Kind": "a b, c=1" };
    const kept = { author: "mish", "of-kind": "a b, c=1" };
    for (const options of [{ useOctetStream: false }, { useOctetStream: true }]) {
      deepEqual((await sandbox.files.write(path, "x", { metadata, ...options })).metadata, kept);
      deepEqual((await sandbox.files.getInfo(path)).metadata, kept);
    }
    deepEqual((await sandbox.files.list(directory)).map((entry) => entry.metadata), [kept]);
    deepEqual((await sandbox.files.rename(path, `${directory}/moved`)).metadata, kept);
    equal((await sandbox.files.write(`${directory}/plain`, "x")).metadata, undefined);
    await failure(sandbox.files.write(path, "x", { metadata: { "no blanks": "x" } }), InvalidArgumentError);
  },
});
