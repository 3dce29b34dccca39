// Clients that others wrote: undici in Node, Python's http.client, curl.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { noise, sha256 } from "../scratch.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

const data = noise(5_000_000);
const root = join(import.meta.dir, "../..");
const expected = {
  health: { version: "0.6.11" },
  head: 200,
  missing: 404,
  length: 204,
  chunks: 204,
  parallel: [200],
  isReused: true,
  file: sha256(data),
  upload: sha256(data),
};

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
  writeFileSync(daemon.inside("/srv/data"), data);
});
afterAll(() => daemon.dispose());

async function run(cmd: readonly string[]): Promise<string> {
  const child = Bun.spawn([...cmd], { stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${cmd[0]} exited with ${code}: ${errors}`);
  return output;
}

test("undici and node:http", async () => {
  const script = join(import.meta.dir, "foreign/undici.ts");
  expect(JSON.parse(await run([join(root, "node_modules/.bin/node"), "--no-warnings", script, daemon.url]))).toEqual(expected);
});

test("http.client", async () => {
  const script = join(import.meta.dir, "foreign/client.py");
  expect(JSON.parse(await run(["python3", script, "127.0.0.1", `${daemon.port}`]))).toEqual(expected);
});

test("curl: HTTP/1.1 and 1.0, one connection for several, Expect, chunks, an answer before the body", async () => {
  const file = join(daemon.directory, "body");
  writeFileSync(file, data);
  const curl = (...args: readonly string[]): Promise<string> =>
    run(["curl", "--silent", "--show-error", "--max-time", "30", "--output", "/dev/null", "--write-out", "%{http_code} %{num_connects} ", ...args]);
  const post = ["--data-binary", `@${file}`];
  expect(await curl(`${daemon.url}/health`)).toBe("200 1 ");
  expect(await curl("--http1.0", `${daemon.url}/health`)).toBe("200 1 ");
  expect(await curl("--head", `${daemon.url}/health`)).toBe("200 1 ");
  expect(await curl(`${daemon.url}/health`, "--output", "/dev/null", `${daemon.url}/nope`)).toBe("200 1 404 0 ");
  expect(await curl(...post, "--header", "Expect: 100-continue", `${daemon.url}/unfreeze`)).toBe("204 1 ");
  expect(await curl(...post, "--header", "Transfer-Encoding: chunked", `${daemon.url}/unfreeze`)).toBe("204 1 ");
  expect(await curl(...post, "--header", "Expect:", `${daemon.url}/nope`)).toBe("404 1 ");
  expect(await curl(...post, "--header", "Expect: 100-continue", `${daemon.url}/nope`)).toBe("404 1 ");
  expect(await curl("--form", `file=@${file};filename=/srv/curled`, `${daemon.url}/files?username=root`)).toBe("200 1 ");
  const copy = join(daemon.directory, "copy");
  await run(["curl", "--silent", "--show-error", "--compressed", "--output", copy, `${daemon.url}/files?path=/srv/curled`]);
  expect(sha256(await Bun.file(copy).bytes())).toBe(expected.file);
});
