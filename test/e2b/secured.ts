// A sandbox secured by a token: who lacks it, and signed URLs.

import { AuthenticationError, InvalidArgumentError } from "e2b";
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { cases, failure } from "./case.ts";

/** Seconds that no two clocks of a test are apart. */
const long = 3600;

async function answer(url: string, init: RequestInit = {}): Promise<[status: number, body: string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

/** As browsers send a form: the content is a plain field. */
function form(content: string): RequestInit {
  const body = new FormData();
  body.append("file", content);
  return { method: "POST", body };
}

export const secured = cases("secured", {
  "the wrong token, or none": async ({ agent, directory }) => {
    for (const token of ["wrong", ""]) {
      const stranger = agent.variant({ token });
      await failure(stranger.commands.run("true"), AuthenticationError);
      await failure(stranger.commands.list(), AuthenticationError);
      await failure(stranger.pty.create({ cols: 80, rows: 24, onData: () => {} }), AuthenticationError);
      await failure(stranger.files.list(directory), AuthenticationError);
      await failure(stranger.files.watchDir(directory, () => {}), AuthenticationError);
      await failure(stranger.files.read("/etc/passwd"), AuthenticationError);
      await failure(stranger.files.write(`${directory}/x`, "x"), AuthenticationError);
      equal(await stranger.isRunning(), true);
    }
  },

  "a URL to upload to and one to download from": async ({ sandbox, directory }) => {
    for (const options of [{}, { user: "user" }, { useSignatureExpiration: long }, { user: "root", useSignatureExpiration: long }]) {
      const path = `${directory}/über 1+2`;
      const [status, body] = await answer(await sandbox.uploadUrl(path, options), form("signed"));
      deepEqual([status, (JSON.parse(body) as { path: string }[]).map((file) => file.path)], [200, [path]]);
      deepEqual(await answer(await sandbox.downloadUrl(path, options)), [200, "signed"]);
      equal((await sandbox.files.getInfo(path)).owner, options.user ?? "user");
      await sandbox.files.remove(path);
    }
  },

  "a URL to upload several files to": async ({ sandbox, directory }) => {
    const body = new FormData();
    body.append("file", new Blob(["1"]), `${directory}/one`);
    body.append("file", new Blob(["2"]), `${directory}/two`);
    equal((await answer(await sandbox.uploadUrl(), { method: "POST", body }))[0], 200);
    deepEqual([await sandbox.files.read(`${directory}/one`), await sandbox.files.read(`${directory}/two`)], ["1", "2"]);
  },

  "a URL that has expired, or was signed for something else": async ({ sandbox, directory }) => {
    const path = `${directory}/f`;
    await sandbox.files.write(path, "x");
    const expired = await answer(await sandbox.downloadUrl(path, { useSignatureExpiration: -long }));
    deepEqual([expired[0], expired[1].includes("signature is already expired")], [401, true]);
    const url = await sandbox.downloadUrl(path, { useSignatureExpiration: long });
    for (const [name, value] of [["path", "/etc/passwd"], ["username", "root"], ["signature_expiration", "9999999999"], ["signature", "v1_x"]] as const) {
      const changed = new URL(url);
      notEqual(changed.searchParams.get(name), value);
      changed.searchParams.set(name, value);
      deepEqual([name, (await answer(changed.href))[0]], [name, 401]);
    }
    equal((await answer(url, form("y")))[0], 401);
    equal((await answer(url))[0], 200);
  },

  "made again, met again, ended": async ({ sandbox, agent }) => {
    const other = await (await import("e2b")).Sandbox.connect(sandbox.sandboxId, agent.options);
    equal((await other.commands.run("echo met")).stdout, "met\n");
    const again = await agent.create({ envs: { SANDBOX_WIDE: "wide", OVER: "theirs" } });
    equal((await again.commands.run("echo made")).stdout, "made\n");
    equal(await other.kill(), true);
  },
});

/** Before a token is known, or where none ever is. */
export const open = cases("not secured", {
  "no token is asked for": async ({ agent, sandbox, directory }) => {
    const stranger = agent.variant({ token: "any" });
    equal((await stranger.commands.run("echo in")).stdout, "in\n");
    await sandbox.files.write(`${directory}/x`, "plain");
    deepEqual(await answer(await sandbox.downloadUrl(`${directory}/x`)), [200, "plain"]);
    await failure(sandbox.downloadUrl("x", { useSignatureExpiration: long }), InvalidArgumentError);
  },

  "the SDK's debug mode: a URL is all it has": async ({ agent, directory }) => {
    const sandbox = await agent.create({ debug: true });
    equal((await sandbox.commands.run("echo debugged")).stdout, "debugged\n");
    await sandbox.files.write(`${directory}/x`, "debug", { gzip: true });
    equal(await sandbox.files.read(`${directory}/x`), "debug");
    equal(await sandbox.kill(), true);
  },
});
