// Whom /init obeys where the metadata service publishes the hash of a token; envd-http.md 5.4 and 8.5, lifecycle.md 4.4.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { freePort } from "../port.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { statusWith } from "./inits.ts";
import { answer, hashOf, MetadataService } from "./mmds-service.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

const ids = { instanceID: "i", envID: "t" };
const mismatch = "access token validation failed";
const noReset = "access token reset not authorized";

/** Runs `body` with a daemon and a service that publishes the hash of a token, or none. */
function published(token: string | undefined, body: (daemon: Daemon, service: MetadataService) => Promise<void>): Promise<void> {
  const store = token === undefined ? ids : { ...ids, accessTokenHash: hashOf(token) };
  return MetadataService.with(store, (service) => Daemon.with({ args: service.args }, (daemon) => body(daemon, service)));
}

async function init(daemon: Daemon, body: object): Promise<[number, string]> {
  const response = await daemon.init(body);
  return [response.status, (await response.text()).trim()];
}

test("the hash of the specification", () => {
  expect(hashOf("")).toStartWith("cf83e1357eefb8bdf1542850d66d8007");
  expect(hashOf(TOKEN)).toStartWith("dc7cb8a2702f241b827549086f02d972");
});

test("INI-15, L164: the hash of another token: the new one is active, the old one is not", () =>
  published(undefined, async (daemon, service) => {
    expect(await init(daemon, { accessToken: "old" })).toEqual([204, ""]);
    service.store = { ...ids, accessTokenHash: hashOf("new") };
    expect(await init(daemon, { accessToken: "new" })).toEqual([204, ""]);
    expect([await statusWith(daemon, "new"), await statusWith(daemon, "old"), await statusWith(daemon)]).toEqual([200, 401, 401]);
  }));

test("INI-16, L164: the hash of the empty string, and no token: the one that was set is cleared", () =>
  published("", async (daemon, service) => {
    service.store = { ...ids, accessTokenHash: hashOf(TOKEN) };
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
    expect(await statusWith(daemon)).toBe(401);
    service.store = { ...ids, accessTokenHash: hashOf("") };
    expect(await init(daemon, { envVars: { A: "1" } })).toEqual([204, ""]);
    expect(await statusWith(daemon)).toBe(200);
  }));

test("INI-17, L164: none set, and the hash of another: refused, and nothing is done", () =>
  published("other", async (daemon) => {
    expect(await init(daemon, { accessToken: TOKEN, envVars: { A: "1" } })).toEqual([401, mismatch]);
    expect((await daemon.envs()).A).toBeUndefined();
  }));

test("INI-18, L164: none set, a hash, and no token: refused", () =>
  published(TOKEN, async (daemon) => {
    expect(await init(daemon, { envVars: { A: "1" } })).toEqual([401, noReset]);
    expect((await daemon.envs()).A).toBeUndefined();
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
  }));

describe("INI-19, L164: none set, and no hash: the first set-up", () => {
  test("the service publishes none", () =>
    published(undefined, async (daemon) => expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""])));

  test("nobody is there", () =>
    Daemon.with({ args: ["--mmds", `127.0.0.1:${freePort()}`] }, async (daemon) => {
      expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
      expect(await statusWith(daemon)).toBe(401);
    }));

  test.each(["", null, 5])("the hash is %j", (accessTokenHash) =>
    MetadataService.with({ ...ids, accessTokenHash }, (service) =>
      Daemon.with({ args: service.args }, async (daemon) => expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]))));

  test("the store is empty", () =>
    MetadataService.with(null, (service) =>
      Daemon.with({ args: service.args }, async (daemon) => expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]))));

  test.each(["silence", "close"] as const)("the service answers with %s", (reply) =>
    MetadataService.with(ids, async (service) => {
      service.reply = () => reply;
      await Daemon.with({ args: service.args }, async (daemon) => {
        const start = performance.now();
        expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
        expect(performance.now() - start).toBeLessThan(10_000);
      });
    }));
});

test("L164: the token that is set is obeyed whatever is published, and the service is not asked", () =>
  published(undefined, async (daemon, service) => {
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
    service.store = { ...ids, accessTokenHash: hashOf("other") };
    service.reply = () => "silence";
    const asked = service.connections.length;
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
    // At most the poller's, which begins with the answer.
    expect(service.connections.length - asked).toBeLessThan(2);
  }));

test("L164: set, and no hash: another one and none at all are refused", () =>
  published(undefined, async (daemon) => {
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
    expect(await init(daemon, { accessToken: `${TOKEN}0` })).toEqual([401, mismatch]);
    expect(await init(daemon, {})).toEqual([401, noReset]);
    expect(await statusWith(daemon, TOKEN)).toBe(200);
  }));

test("L164: set, and the hash of a third: both refused", () =>
  published(undefined, async (daemon, service) => {
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
    service.store = { ...ids, accessTokenHash: hashOf("third") };
    expect(await init(daemon, { accessToken: "second" })).toEqual([401, mismatch]);
    expect(await init(daemon, {})).toEqual([401, noReset]);
  }));

test.each([hashOf("new").toUpperCase(), hashOf("new").slice(1), `${hashOf("new")}0`, "x"])("L164: %s is no hash of it", (accessTokenHash) =>
  MetadataService.with({ ...ids, accessTokenHash }, (service) =>
    Daemon.with({ args: service.args }, async (daemon) => expect(await init(daemon, { accessToken: "new" })).toEqual([401, mismatch]))));

test("what the store has at the request counts, not what it had before", () =>
  published("first", async (daemon, service) => {
    expect(await init(daemon, { accessToken: "first" })).toEqual([204, ""]);
    // A poll that is under way then is still to be told the old one.
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let held = 0;
    service.reply = (request) => {
      if (!request.startsWith("GET") || held++ > 0) return "usual";
      const old = service.usual(request);
      return released.then(() => old);
    };
    expect(await init(daemon, { accessToken: "first" })).toEqual([204, ""]);
    await until("an attempt hangs", 20, () => held > 0);
    service.store = { ...ids, accessTokenHash: hashOf("second") };
    const second = init(daemon, { accessToken: "second" });
    setTimeout(release, 100);
    expect(await second).toEqual([204, ""]);
  }));

test("a first attempt that fails is made once more", () =>
  published(TOKEN, async (daemon, service) => {
    await until("the ids are known", 20, async () => (await daemon.envs()).WRENN_SANDBOX_ID === "i");
    let fails = true;
    service.reply = () => {
      const isFailing = fails;
      fails = false;
      return isFailing ? "close" : "usual";
    };
    expect(await init(daemon, { accessToken: "wrong" })).toEqual([401, mismatch]);
    fails = true;
    expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
  }));

test("rules that lead the address astray are passed over, where there is iptables", () =>
  MetadataService.with({ ...ids, accessTokenHash: hashOf(TOKEN) }, async (service) => {
    // Stands for the program: notes its arguments.
    const program = '#!/bin/sh\\necho "$@" >> /run/rules\\n';
    const setup = `mount -t tmpfs none /usr/local/sbin; printf '${program}' > /usr/local/sbin/iptables; chmod +x /usr/local/sbin/iptables`;
    await Daemon.with({ args: service.args, setup }, async (daemon) => {
      await until("the ids are known", 20, async () => (await daemon.envs()).WRENN_SANDBOX_ID === "i");
      expect(() => daemon.read("/run/rules")).toThrow();
      service.reply = () => {
        try {
          daemon.read("/run/rules");
          return "usual";
        } catch {
          return answer(500, "astray");
        }
      };
      expect(await init(daemon, { accessToken: "wrong" })).toEqual([401, mismatch]);
      const rule = `-d 127.0.0.1/32 -p tcp --dport ${service.port} -j RETURN`;
      expect(daemon.read("/run/rules").toString().trim().split("\n")).toEqual([
        `-w -t nat -D PREROUTING ${rule}`, `-w -t nat -I PREROUTING 1 ${rule}`, `-w -t nat -D OUTPUT ${rule}`, `-w -t nat -I OUTPUT 1 ${rule}`,
      ]);
      // An answer was there: no more rules.
      expect(await init(daemon, { accessToken: TOKEN })).toEqual([204, ""]);
      expect(daemon.read("/run/rules").toString().trim().split("\n").length).toBe(4);
    });
  }));
