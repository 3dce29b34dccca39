// Ports for those who listen in a test.

// Processes that start one after another begin far from each other.
let lastPort = 20_000 + ((process.pid * 7919) % 12_000);

/** A TCP port of this test process's own, below those the kernel hands out. */
export function freePort(): number {
  for (;;) {
    lastPort = lastPort >= 31_999 ? 20_000 : lastPort + 1;
    try {
      Bun.listen({ hostname: "127.0.0.1", port: lastPort, socket: { data() {} } }).stop(true);
      return lastPort;
    } catch {
      // another process's
    }
  }
}
