// Names in the file system: list, getInfo, exists, makeDir, rename, remove.

import { AuthenticationError, FileNotFoundError, FileType, InvalidArgumentError, SandboxError, type EntryInfo } from "e2b";
import { deepEqual, equal } from "node:assert/strict";
import { cases, failure } from "./case.ts";

function told(entries: readonly EntryInfo[], directory: string): string[] {
  return entries.map(({ type, path }) => `${type ?? ""} ${path.replace(`${directory}/`, "")}`);
}

export const entries = cases("E02: files", {
  "list: in order, parents before what is in them": async ({ sandbox, directory }) => {
    await sandbox.commands.run("mkdir -p a/x B; echo 1 >a/x/f; echo 2 >a.txt; ln -s a link; ln -s nowhere dangling", { cwd: directory });
    deepEqual(told(await sandbox.files.list(directory), directory), ["dir B", "dir a", "file a.txt", "dir link"]);
    deepEqual(told(await sandbox.files.list(directory, { depth: 2 }), directory), ["dir B", "dir a", "dir a/x", "file a.txt", "dir link"]);
    deepEqual(told(await sandbox.files.list(directory, { depth: 3 }), directory), ["dir B", "dir a", "dir a/x", "file a/x/f", "file a.txt", "dir link"]);
    deepEqual(told(await sandbox.files.list(`${directory}/link`), directory), ["dir link/x"]);
    deepEqual(await sandbox.files.list(`${directory}/B`), []);
    await failure(sandbox.files.list(directory, { depth: 0 }), InvalidArgumentError, "depth");
  },

  "list: a thousand entries": async ({ sandbox, directory }) => {
    await sandbox.commands.run("for i in $(seq 1000 1999); do : >f$i; done", { cwd: directory });
    deepEqual((await sandbox.files.list(directory)).map(({ name }) => name), Array.from({ length: 1000 }, (_, i) => `f${1000 + i}`));
  },

  "list: what is missing, or no directory": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/file`, "");
    await failure(sandbox.files.list(`${directory}/none`), FileNotFoundError, "not found");
    await failure(sandbox.files.list(`${directory}/file`), InvalidArgumentError, "not a directory");
  },

  "list and the like by a user's name": async ({ sandbox, directory }) => {
    await sandbox.files.makeDir(`${directory}/of-root`, { user: "root" });
    equal((await sandbox.files.getInfo(`${directory}/of-root`)).owner, "root");
    equal((await sandbox.files.list(".", { user: "root" })).every(({ path }) => path.startsWith("/root/")), true);
    await failure(sandbox.files.list(".", { user: "ghost" }), AuthenticationError, "ghost");
  },

  "getInfo: a file": async ({ sandbox, directory }) => {
    const path = `${directory}/file`;
    const before = Number((await sandbox.commands.run("date +%s")).stdout) * 1000;
    await sandbox.files.write(path, "12345");
    await sandbox.commands.run(`chmod 640 ${path}`);
    const after = Number((await sandbox.commands.run("date +%s")).stdout) * 1000 + 1000;
    const { modifiedTime, ...info } = await sandbox.files.getInfo(path);
    deepEqual(info, {
      name: "file", type: FileType.FILE, path, size: 5, mode: 0o640, permissions: "-rw-r-----", owner: "user", group: "user",
      symlinkTarget: undefined, metadata: undefined,
    });
    const time = modifiedTime?.getTime() ?? 0;
    deepEqual([time >= before, time <= after], [true, true]);
  },

  "getInfo: a directory, and the root": async ({ sandbox, directory }) => {
    const { type, permissions, mode, name } = await sandbox.files.getInfo(directory);
    deepEqual([type, permissions, mode, name], [FileType.DIR, "drwxr-xr-x", 0o755, directory.slice(directory.lastIndexOf("/") + 1)]);
    const root = await sandbox.files.getInfo("/");
    deepEqual([root.name, root.type, root.owner], ["/", FileType.DIR, "root"]);
  },

  "getInfo: a symbolic link": async ({ sandbox, directory }) => {
    await sandbox.commands.run("echo 1 >target; chmod 600 target; ln -s target link; ln -s nowhere dangling", { cwd: directory });
    const link = await sandbox.files.getInfo(`${directory}/link`);
    deepEqual([link.name, link.type, link.symlinkTarget, link.mode], ["link", FileType.FILE, `${directory}/target`, 0o600]);
    const dangling = await sandbox.files.getInfo(`${directory}/dangling`);
    deepEqual([dangling.type, dangling.symlinkTarget], [undefined, `${directory}/dangling`]);
  },

  "getInfo and exists: what is missing": async ({ sandbox, directory }) => {
    await failure(sandbox.files.getInfo(`${directory}/none`), FileNotFoundError, "not found");
    equal(await sandbox.files.exists(`${directory}/none`), false);
    equal(await sandbox.files.exists(`${directory}/none/further`), false);
    equal(await sandbox.files.exists(directory), true);
    await sandbox.files.write(`${directory}/file`, "");
    equal(await sandbox.files.exists(`${directory}/file`), true);
    equal(await sandbox.files.exists(`${directory}/file/below`), false);
  },

  "makeDir: true, then false; parents are made": async ({ sandbox, directory }) => {
    const path = `${directory}/a/b/c`;
    equal(await sandbox.files.makeDir(path), true);
    equal(await sandbox.files.makeDir(path), false);
    deepEqual((await sandbox.files.list(directory, { depth: 3 })).map(({ name, owner }) => [name, owner]), [["a", "user"], ["b", "user"], ["c", "user"]]);
    await sandbox.files.write(`${directory}/file`, "");
    await failure(sandbox.files.makeDir(`${directory}/file`), InvalidArgumentError, "not a directory");
    await failure(sandbox.files.makeDir(`${directory}/file/x`), InvalidArgumentError);
  },

  "rename: files and directories, also over a file": async ({ sandbox, directory }) => {
    await sandbox.files.write(`${directory}/old`, "content");
    await sandbox.files.write(`${directory}/new`, "replaced");
    const moved = await sandbox.files.rename(`${directory}/old`, `${directory}/new`);
    deepEqual([moved.name, moved.path, moved.type, moved.size], ["new", `${directory}/new`, FileType.FILE, 7]);
    equal(await sandbox.files.exists(`${directory}/old`), false);
    equal(await sandbox.files.read(`${directory}/new`), "content");
    await sandbox.files.makeDir(`${directory}/from/sub`);
    equal((await sandbox.files.rename(`${directory}/from`, `${directory}/to/deep`)).type, FileType.DIR);
    equal(await sandbox.files.exists(`${directory}/to/deep/sub`), true);
    await failure(sandbox.files.rename(`${directory}/none`, `${directory}/x`), FileNotFoundError, "not found");
    await failure(sandbox.files.rename(`${directory}/to`, `${directory}/to/itself`), SandboxError);
    equal(await sandbox.files.exists(`${directory}/to/deep/sub`), true);
  },

  "rename: to another file system": async ({ sandbox, directory }) => {
    const shm = `/dev/shm/${directory.slice(directory.lastIndexOf("/") + 1)}`;
    await sandbox.files.write(`${directory}/tree/file`, "content");
    equal((await sandbox.files.rename(`${directory}/tree`, shm)).path, shm);
    equal(await sandbox.files.read(`${shm}/file`), "content");
    equal(await sandbox.files.exists(`${directory}/tree`), false);
    await sandbox.files.remove(shm);
  },

  "remove: files, trees, links and nothing at all": async ({ sandbox, directory }) => {
    await sandbox.commands.run("mkdir -p tree/deep target; echo 1 >tree/deep/f; echo 2 >target/kept; ln -s ../target tree/link; ln -s target link", { cwd: directory });
    await sandbox.files.remove(`${directory}/tree`);
    await sandbox.files.remove(`${directory}/link`);
    await sandbox.files.remove(`${directory}/none`);
    deepEqual(told(await sandbox.files.list(directory, { depth: 2 }), directory), ["dir target", "file target/kept"]);
    await sandbox.files.remove(`${directory}/target/kept`);
    equal(await sandbox.files.exists(`${directory}/target/kept`), false);
    await failure(sandbox.files.remove("/"), InvalidArgumentError);
  },
});
