// Node's own clients: fetch, which is undici, and node:http. usage: node undici.ts URL

import { createHash } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";

const url = process.argv[2] ?? "";

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A body whose length is not known: fetch sends it in chunks. */
function streamed(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = parts.slice();
  return new ReadableStream({
    pull(controller) {
      const part = rest.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
  });
}

async function status(path: string, init: RequestInit & { duplex?: "half" } = {}): Promise<number> {
  const response = await fetch(`${url}${path}`, init);
  await response.arrayBuffer();
  return response.status;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Whether the second of two requests over an agent took the connection of the first. */
async function isReused(): Promise<boolean> {
  let reused = false;
  for (let i = 0; i < 2; i++) {
    const sent = request(`${url}/health`, { agent });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    sent.once("response", resolve).once("error", reject).end();
    for await (const _ of await promise) {
      // to its end
    }
    reused = sent.reusedSocket;
  }
  return reused;
}

/** Uploads a file in a form, and reads it back. */
async function uploaded(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const form = new FormData();
  form.append("file", new Blob([bytes]), "/srv/copy");
  if ((await status("/files?username=root", { method: "POST", body: form })) !== 200) return "";
  return sha256(new Uint8Array(await (await fetch(`${url}/files?path=/srv/copy`)).arrayBuffer()));
}

const megabyte = new Uint8Array(1024 * 1024).fill(7);
const file = new Uint8Array(await (await fetch(`${url}/files?path=/srv/data`)).arrayBuffer());
console.log(JSON.stringify({
  health: await (await fetch(`${url}/health`)).json(),
  head: await status("/health", { method: "HEAD" }),
  missing: await status("/nope"),
  length: await status("/unfreeze", { method: "POST", body: megabyte }),
  chunks: await status("/unfreeze", { method: "POST", body: streamed([megabyte, new Uint8Array([1]), megabyte]), duplex: "half" }),
  parallel: [...new Set(await Promise.all(Array.from({ length: 50 }, () => status("/health"))))],
  isReused: await isReused(),
  file: sha256(file),
  upload: await uploaded(file),
}));
agent.destroy();
