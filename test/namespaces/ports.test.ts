// Whose guests have their ports forwarded: the agent as PID 1, by its profile and by the kernel's command line.

import { expect, test } from "bun:test";
import { listening } from "../envd/network.ts";
import { inside, Namespace } from "../namespace.ts";
import { until } from "../until.ts";

const TEST_MS = 60_000;
const WAIT_SECONDS = 20;
const device = "ip link add eth0 type veth peer name peer0; ip link set peer0 up";
const address = "ip=169.254.0.21::169.254.0.22:255.255.255.252:guest:eth0:off";
const service = `mote.exec="exec python3 -m http.server --bind 127.0.0.1 8000"`;

const cases: [string, string, string, boolean][] = [
  ["L100", "wrenn-init", "", true],
  ["L118", "wrenn-init", "mote.forward=off", false],
  ["L118", "smolvm-guest-agent", "", false],
  ["L100", "smolvm-guest-agent", "mote.forward=on", true],
];

test.each(cases)("%s: a server on loopback in a guest that %s boots, %j: forwarded: %p", (_, name, option, isForwarded) => {
  const args = ["--listen", `unix:${inside}/agent.sock`, "--envd", "tcp:0.0.0.0:49983"];
  const commandLine = `${address} ${service} ${option}`;
  return Namespace.with({ name, args, commandLine, setup: device, listeners: 2 }, async (namespace) => {
    const has = (at: string): boolean => listening(namespace.pid).includes(at);
    await until("the server is there", WAIT_SECONDS, () => has("127.0.0.1:8000"));
    if (isForwarded) {
      await until("it is forwarded", WAIT_SECONDS, () => has("169.254.0.21:8000"));
      expect(await namespace.enter("curl -sS -o /dev/null -w '%{http_code}' http://169.254.0.21:8000/")).toBe("200");
    } else {
      // Twice the time after which it would have been.
      await Bun.sleep(2500);
      expect(has("169.254.0.21:8000")).toBe(false);
    }
  });
}, TEST_MS);
