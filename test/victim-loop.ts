// A host that makes requests of every kind without end, until it is killed; see
// killed-client.test.ts. Arguments: the socket, and a path to upload to and download from.

import { Client } from "./client.ts";
import { noise } from "./scratch.ts";

const [, , unix = "", path = ""] = process.argv;
const client = new Client({ unix });
const content = noise(300_000, 23);

await client.put(path, content);
process.stdout.write("begun\n");

async function forever(work: () => Promise<unknown>): Promise<void> {
  for (;;) await work();
}

await Promise.all([
  forever(() => client.run("head -c 500000 /dev/zero; sleep 0.01")),
  forever(() => client.run("sleep 60 & sleep 60", { timeout: 0.02 })),
  forever(() => client.put(path, content)),
  forever(() => client.get(path)),
  forever(() => client.ping()),
]);
