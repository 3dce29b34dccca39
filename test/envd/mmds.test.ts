// What is learnt from the metadata service, and how it is asked; lifecycle.md 4 and 8. The service is the tests' own, on
// loopback; at its own address it is in mmds-network.test.ts.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { hangLimit } from "../agent.ts";
import { host as agent } from "../host.ts";
import { freePort } from "../port.ts";
import * as proc from "../proc.ts";
import { Client } from "../rpc/client.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";
import { asking, flags, ids, known } from "./mmds-asking.ts";
import { answer, MetadataService } from "./mmds-service.ts";

setDefaultTimeout(hangLimit);

const variablesOf = (instance: string, template: string): Record<string, string> => ({
  ...flags, WRENN_SANDBOX_ID: instance, WRENN_TEMPLATE_ID: template, E2B_SANDBOX_ID: instance, E2B_TEMPLATE_ID: template,
});
const files = ["/run/wrenn/.WRENN_SANDBOX_ID", "/run/wrenn/.WRENN_TEMPLATE_ID", "/run/e2b/.E2B_SANDBOX_ID", "/run/e2b/.E2B_TEMPLATE_ID"];

/** What a new process has for a variable. */
async function valueOf(daemon: Daemon, name: string): Promise<string> {
  return (await new Client(daemon.port, "json").run(`printf %s "$${name}"`)).stdout.toString();
}

describe.each([false, true])("supervised %p", (isSupervised) => {
  test("SRV-13, L150: ids in variables and in files without a newline, and in the environment of a new process", () =>
    MetadataService.with(ids, (service) =>
      asking(service, async (daemon) => {
        await known(daemon, ids.instanceID);
        expect(await daemon.envs()).toEqual(variablesOf(ids.instanceID, ids.envID));
        expect(files.map((path) => daemon.read(path).toString())).toEqual([ids.instanceID, ids.envID, ids.instanceID, ids.envID]);
        for (const path of files) expect(statSync(daemon.inside(path)).mode & 0o7777).toBe(0o644);
        expect(readdirSync(daemon.inside("/run/wrenn")).sort()).toEqual([".WRENN_SANDBOX", ".WRENN_SANDBOX_ID", ".WRENN_TEMPLATE_ID"]);
        expect(await valueOf(daemon, "E2B_SANDBOX_ID")).toBe(ids.instanceID);
        expect(service.connections.length).toBe(1);
      }, { isSupervised })));
});

test("the ids outlive the worker that has learnt them", () =>
  MetadataService.with(ids, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      service.store = null;
      const [worker = 0] = proc.children(daemon.pid);
      process.kill(worker, "SIGKILL");
      await until("another one serves", 20, () => proc.children(daemon.pid).some((pid) => pid !== worker && proc.isAlive(pid)));
      expect(await daemon.envs()).toEqual(variablesOf(ids.instanceID, ids.envID));
    }, { isSupervised: true })));

describe("not yet", () => {
  test.each([
    null, [], "x", 5, {}, { instanceID: "i" }, { envID: "t" }, { instanceID: "", envID: "t" }, { instanceID: 5, envID: "t" },
    { instanceID: "i", envID: 5 }, { instanceID: "i", envID: null }, { instanceID: "i\0", envID: "t" }, { instanceID: ["i"], envID: "t" },
  ].map((store) => ({ store })))("L151, L153: %j is not accepted, and polling goes on until there is data", ({ store }) =>
    MetadataService.with(store, (service) =>
      asking(service, async (daemon) => {
        await until("it has asked several times", 20, () => service.connections.length > 3);
        expect(await daemon.envs()).toEqual(flags);
        expect(() => daemon.read(files[0] ?? "")).toThrow();
        service.store = ids;
        await known(daemon, ids.instanceID);
      })));

  test("L151: it asks anew 50 ms after each attempt, by a token and a connection of its own", () =>
    MetadataService.with(null, (service) =>
      asking(service, async () => {
        await until("it has asked 41 times", 30, () => service.connections.length > 40);
        const first = service.connections.at(0)?.opened ?? 0;
        const last = service.connections.at(40)?.opened ?? 0;
        // 40 pauses; what this process hears late is not counted against them.
        expect(last - first).toBeGreaterThan(40 * 50 * 0.6);
        expect(new Set(service.requests.filter((request) => request.startsWith("GET"))).size).toBeGreaterThan(39);
        for (const { requests } of service.connections.slice(0, 40)) expect(requests.length).toBe(2);
        expect(service.mostOpen).toBeLessThanOrEqual(1);
      })));

  test("L158: it asks ever more seldom, up to every 5 s", () =>
    MetadataService.with(null, (service) =>
      asking(service, async (daemon) => {
        const gaps = (): number[] => service.connections.slice(1).map(({ opened }, i) => opened - (service.connections.at(i)?.opened ?? 0));
        await until("there was a pause of 5 s", 60, () => (gaps().at(-1) ?? 0) > 4500);
        expect(service.connections.length).toBeLessThan(215);
        // The host is back: what it has written is to be known at once.
        service.store = ids;
        expect((await daemon.init({})).status).toBe(204);
        await known(daemon, ids.instanceID);
      })), 2 * hangLimit);
});

test("L152: without address and hash, and with what nobody knows", () =>
  MetadataService.with({ ...ids, address: 5, accessTokenHash: null, other: [{}] }, (service) =>
    asking(service, (daemon) => known(daemon, ids.instanceID))));

test("an empty template is one", () =>
  MetadataService.with({ ...ids, envID: "" }, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      expect(await daemon.envs()).toEqual(variablesOf(ids.instanceID, ""));
    })));

test.each([404, 405])("L154: PUT %i: a service of version 1, which wants no token", (status) =>
  MetadataService.with(ids, async (service) => {
    service.isV1 = true;
    service.reply = (request) => (request.startsWith("PUT") ? answer(status, "no such thing") : "usual");
    await asking(service, (daemon) => known(daemon, ids.instanceID));
    expect(service.requests.find((request) => request.startsWith("GET"))).not.toContain("token");
  }));

test("L155: GET 401 once: a new token, in the same attempt", () =>
  MetadataService.with(ids, async (service) => {
    let gets = 0;
    service.reply = (request) => (request.startsWith("GET") && ++gets === 1 ? answer(401, "MMDS token not valid.") : "usual");
    await asking(service, (daemon) => known(daemon, ids.instanceID));
    expect(service.connections.at(0)?.requests.map((request) => request.slice(0, 3))).toEqual(["PUT", "GET", "PUT", "GET"]);
    expect(service.connections.length).toBe(1);
  }));

test("L155: twice: the attempt has failed, and another follows", () =>
  MetadataService.with(ids, async (service) => {
    let gets = 0;
    service.reply = (request) => (request.startsWith("GET") && ++gets <= 2 ? answer(401, "MMDS token not valid.") : "usual");
    await asking(service, (daemon) => known(daemon, ids.instanceID));
    expect(service.connections.map(({ requests }) => requests.length)).toEqual([4, 2]);
  }));

test("L156: an answer is read by its length: the service never closes", () =>
  MetadataService.with(ids, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      const times: number[] = [];
      for (let i = 0; i < 8; i++) {
        const start = performance.now();
        expect((await daemon.init({})).status).toBe(204);
        times.push(performance.now() - start);
      }
      // The check of the token has asked each time. One that waits for the end would wait for a second.
      expect(Math.min(...times)).toBeLessThan(100);
      await until("the daemon has closed them all", 10, () => service.connections.every(({ isClosed }) => isClosed));
    })));

test("a service that closes after each answer is asked on another connection", () =>
  MetadataService.with(ids, async (service) => {
    service.reply = (request, { requests }) => (requests.length > 1 ? "close" : service.usual(request));
    await asking(service, (daemon) => known(daemon, ids.instanceID));
    expect(service.connections.slice(0, 2).map(({ requests }) => requests.map((request) => request.slice(0, 3)))).toEqual([["PUT", "GET"], ["GET"]]);
  }));

test("L157: a service that says nothing is given up, and holds nobody up", () =>
  MetadataService.with(ids, async (service) => {
    service.reply = () => "silence";
    await asking(service, async (daemon) => {
      await until("it asks", 20, () => service.requests.length > 0);
      const asked = service.connections.length;
      expect((await daemon.fetch("/health")).status).toBe(200);
      // It is answered while the attempt is under way.
      expect(service.connections.length).toBe(asked);
      await until("another attempt has begun", 20, () => service.connections.length > asked + 1);
      const [first, second] = service.connections.slice(asked - 1);
      expect((second?.opened ?? 0) - (first?.opened ?? 0)).toBeGreaterThan(700);
      service.reply = () => "usual";
      await known(daemon, ids.instanceID);
    });
  }));

test("the largest answer that is taken", () =>
  MetadataService.with({ ...ids, more: "x".repeat(51_200) }, (service) => asking(service, (daemon) => known(daemon, ids.instanceID))));

test("L160: however many /init come, there is one poller, with one connection", () =>
  MetadataService.with(null, async (service) => {
    // Each attempt takes a second: pollers beside each other would be seen.
    await asking(service, async (daemon) => {
      const body = { accessToken: "token" };
      expect((await daemon.init(body)).status).toBe(204);
      service.reply = (request) => (request.startsWith("GET") ? "silence" : "usual");
      for (let i = 0; i < 10; i++) expect((await daemon.init(body)).status).toBe(204);
      await Promise.all(Array.from({ length: 10 }, () => daemon.init(body)));
      const before = service.connections.length;
      await until("several more attempts were made", 20, () => service.connections.length > before + 3);
      expect(service.mostOpen).toBe(1);
    });
  }));

test("L163: ids that change are replaced in one step, in files and for new processes", () =>
  MetadataService.with(ids, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      const inodes = files.map((path) => statSync(daemon.inside(path)).ino);
      const seen = new Set<string>();
      service.store = { instanceID: "i-9", envID: "t-9" };
      service.forgetTokens();
      expect((await daemon.init({})).status).toBe(204);
      await until("the file says so", 20, () => {
        const text = readFileSync(daemon.inside(files[0] ?? ""), "utf8");
        seen.add(text);
        return text === "i-9";
      });
      expect([...seen].filter((text) => text !== ids.instanceID)).toEqual(["i-9"]);
      await known(daemon, "i-9");
      expect(await daemon.envs()).toEqual(variablesOf("i-9", "t-9"));
      expect(files.map((path) => daemon.read(path).toString())).toEqual(["i-9", "t-9", "i-9", "t-9"]);
      for (const [i, path] of files.entries()) expect(statSync(daemon.inside(path)).ino).not.toBe(inodes.at(i));
      expect(await valueOf(daemon, "WRENN_SANDBOX_ID")).toBe("i-9");
    })));

test("files that cannot be written are no reason to fail", () =>
  MetadataService.with(ids, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      expect(daemon.stderr).toContain("/run/wrenn/.WRENN_SANDBOX_ID");
    }, { setup: "mkdir -p /run/wrenn/.WRENN_SANDBOX_ID/x" })));

test("L165: a proxy is nobody's business", () => {
  const proxy = `http://127.0.0.1:${freePort()}`;
  const env = { http_proxy: proxy, HTTP_PROXY: proxy, all_proxy: proxy, ALL_PROXY: proxy };
  return MetadataService.with(ids, (service) => asking(service, (daemon) => known(daemon, ids.instanceID), { env }));
});

test("L166: variables of a user take none of their places", () =>
  MetadataService.with(ids, (service) =>
    asking(service, async (daemon) => {
      await known(daemon, ids.instanceID);
      expect((await daemon.init({ envVars: { A: "1", WRENN_SANDBOX_ID: "x", E2B_TEMPLATE_ID: "x" } })).status).toBe(204);
      expect(await daemon.envs()).toEqual({ A: "1", ...variablesOf(ids.instanceID, ids.envID) });
      expect((await daemon.init({ envVars: {} })).status).toBe(204);
      expect(await daemon.envs()).toEqual(variablesOf(ids.instanceID, ids.envID));
    })));

test.each([{ words: ["--isnotfc"] }, { words: ["--mmds", "off"] }])("L161: $words: nobody is asked", ({ words }) =>
  MetadataService.with(ids, async (service) => {
    const args = [...service.args, ...words];
    await Daemon.with({ args }, async (daemon) => {
      expect((await daemon.init({ envVars: { A: "1" } })).status).toBe(204);
      expect((await daemon.envs()).WRENN_SANDBOX_ID).toBeUndefined();
      expect(daemon.read("/run/wrenn/.WRENN_SANDBOX").toString()).toBe(words.join(" ") === "--isnotfc" ? "false" : "true");
      expect(service.connections.length).toBe(0);
    });
  }));

test("SIGTERM ends the polling with the rest", () =>
  MetadataService.with(null, (service) =>
    asking(service, async (daemon) => {
      await until("it asks", 20, () => service.connections.length > 0);
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
    })));

// Bun collects its garbage when it likes.
if (agent.name !== "bun") test("1,000 attempts leave nothing behind", () =>
  MetadataService.with(null, (service) =>
    asking(service, async (daemon) => {
      await until("it has asked", 20, () => service.connections.length > 5);
      // From here on the tests' own connection is there.
      for (let i = 0; i < 20; i++) await daemon.init({});
      const [before, descriptors] = [daemon.memory(), daemon.descriptors()];
      for (let i = 0; i < 500; i++) await daemon.init({});
      await until("it has asked 1,000 times", 30, () => service.connections.length > 1000);
      service.store = ids;
      await known(daemon, ids.instanceID);
      await until("all is closed", 20, () => daemon.descriptors() <= descriptors);
      expect(daemon.memory().rss - before.rss).toBeLessThan(200_000);
    })));
