// Ports for those who listen in a test.

/** Below those that the kernel hands out. */
const FIRST = 20_000;
const END = 32_000;
/** How many a test process takes for itself. */
const BLOCK = 800;

/**
 * The first of a block of ports that no other test process has: the name of a socket in the abstract namespace is taken for
 * as long as the process lives.
 */
function takeBlock(): number {
  for (let first = FIRST; first < END; first += BLOCK) {
    try {
      Bun.listen({ unix: `\0mote-test-ports-${first}`, socket: { data() {} } }).unref();
      return first;
    } catch {
      // another process's
    }
  }
  throw new Error("too many test processes at once: every port is one's already");
}

// At once: later the process may be in a network namespace of its own, where every name is free.
const first = takeBlock();
let next = 0;

/** A TCP port of this test process's own. */
export function freePort(): number {
  for (let tried = 0; tried < BLOCK; tried++) {
    const port = first + (next++ % BLOCK);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // one of this process's own that is still in use, or somebody else's on this machine
    }
  }
  throw new Error(`no port from ${first} on is free`);
}
