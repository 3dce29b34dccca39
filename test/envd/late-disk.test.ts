// What a file system refuses only when a file is closed: nothing that is not stored may be said to be.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { fuseAt } from "../fuse.ts";
import { Daemon } from "./daemon.ts";
import { ask, filePart } from "./peer.ts";
import { putForm, putRaw } from "./uploads.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: fuseAt("/srv/late") });
});
afterAll(() => daemon.dispose());

const refusal = "attempted to write 7 bytes: not enough disk space available";

test("an upload of which the close says that it had no room", async () => {
  const reply = await putRaw(daemon, "path=/srv/late/raw", "content");
  expect([reply.status, reply.message]).toEqual([507, refusal]);
});

test("a form likewise, and the next request is served", async () => {
  const reply = await putForm(daemon, "", [[filePart("/srv/late/form"), "content"]]);
  expect(reply.status).toBe(507);
  expect(reply.message).toEndWith("not enough disk space available");
  expect((await putRaw(daemon, "path=/srv/next", "content")).status).toBe(200);
});

test("compose keeps the sources, and leaves no temporary", async () => {
  writeFileSync(daemon.inside("/srv/source"), "the only copy");
  const reply = await ask(daemon.port, "POST", "/files/compose", { body: JSON.stringify({ source_paths: ["/srv/source"], destination: "/srv/late/whole" }) });
  expect([reply.status, reply.message]).toEqual([507, "not enough disk space available"]);
  expect(daemon.read("/srv/source").toString()).toBe("the only copy");
  expect(existsSync(daemon.inside("/srv/late/whole"))).toBe(false);
  expect(readdirSync(daemon.inside("/srv")).filter((name) => name.includes(".tmp"))).toEqual([]);
});
