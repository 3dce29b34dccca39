// What the SDK sends to an envd that it has been told is of another version: as old sandboxes and old releases have it.

import { SandboxError, TemplateError, type FilesystemEvent } from "e2b";
import { deepEqual, equal } from "node:assert/strict";
import { cases, failure, Heard } from "./case.ts";

/** Before 0.4.0 the SDK names the user in every call; before 0.5.7 it uploads by form alone. */
const old = ["0.1.4", "0.2.0", "0.3.5"];

export const versions = cases("envd of another version", {
  "commands, terminals and files, as the user that the SDK names": async ({ agent, directory }) => {
    for (const envdVersion of [...old, "0.4.0", "0.5.6", "0.6.7", "99.99.99"]) {
      const sandbox = agent.variant({ envdVersion });
      equal((await sandbox.commands.run("id -un")).stdout, "user\n");
      for (const options of [{}, { gzip: true }, { useOctetStream: true }]) {
        const { path } = await sandbox.files.write(`${directory}/f`, envdVersion, options);
        equal(path, `${directory}/f`);
        equal(await sandbox.files.read(path), envdVersion);
      }
      equal((await sandbox.files.list(directory)).length, 1);
      const handle = await sandbox.pty.create({ cols: 80, rows: 24, onData: () => {} });
      equal(await sandbox.pty.kill(handle.pid), true);
    }
  },

  "an upload of several files, and streams by form": async ({ agent, directory }) => {
    const sandbox = agent.variant({ envdVersion: "0.2.0" });
    const written = await sandbox.files.write([{ path: `${directory}/a`, data: "1" }, { path: `${directory}/b`, data: new Blob(["2"]).stream() }]);
    deepEqual(written.map(({ name }) => name), ["a", "b"]);
    equal(await sandbox.files.read(`${directory}/b`), "2");
  },

  "URLs carry the user's name": async ({ agent, directory }) => {
    const sandbox = agent.variant({ envdVersion: "0.2.0" });
    await sandbox.files.write(`${directory}/f`, "x");
    const url = await sandbox.downloadUrl(`${directory}/f`);
    equal(new URL(url).searchParams.get("username"), "user");
    equal(await (await fetch(url)).text(), "x");
  },

  "a recursive watch": async ({ agent, directory }) => {
    const sandbox = agent.variant({ envdVersion: "0.1.4" });
    const heard = new Heard<FilesystemEvent>();
    const watch = await sandbox.files.watchDir(directory, heard.take, { recursive: true });
    await sandbox.files.makeDir(`${directory}/sub`);
    await heard.until((all) => all.length > 0);
    deepEqual([heard.all[0]?.type, heard.all[0]?.name], ["create", "sub"]);
    await watch.stop();
  },

  "what the SDK itself refuses then": async ({ agent, directory }) => {
    const sandbox = agent.variant({ envdVersion: "0.2.0" });
    await failure(sandbox.commands.closeStdin(1), SandboxError, "doesn't support closeStdin");
    await failure(sandbox.files.write(`${directory}/f`, "x", { metadata: { a: "b" } }), TemplateError);
    await failure(sandbox.files.watchDir(directory, () => {}, { includeEntry: true }), TemplateError);
  },
});
