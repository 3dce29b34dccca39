// A host that is killed with SIGKILL at a given point of its traffic; see killed-client.test.ts.
// Arguments: the socket, the bytes to send as a file, after how many sent bytes to pause for the
// reader, and after how many received bytes to die; -1 for a point never reached.

import { readFileSync } from "node:fs";

const [, , path = "", file = "", sent = "-1", received = "-1"] = process.argv;
const bytes = readFileSync(file);
const lastSent = Number(sent);
const lastReceived = Number(received);
let total = 0;

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("not reached");
}

const outgoing = lastSent < 0 ? bytes : bytes.subarray(0, lastSent);
let at = 0;

function push(socket: Bun.Socket<undefined>): void {
  while (at < outgoing.length) {
    const written = socket.write(outgoing.subarray(at));
    if (written <= 0) return;
    at += written;
  }
  if (lastSent >= 0) die();
}

await Bun.connect({
  unix: path,
  socket: {
    open: push,
    drain: push,
    data: (_, chunk) => {
      total += chunk.length;
      if (lastReceived >= 0 && total >= lastReceived) die();
    },
    close: die,
  },
});
