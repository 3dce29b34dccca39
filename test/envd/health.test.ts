// GET /health; envd-http.md 5.1 and 8.4.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

test("HLT-01, L194: 200 with the version, not to be cached", async () => {
  const response = await daemon.fetch("/health");
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ version: "0.6.11" });
});

test.each([false, true])("L194: 204 and no body where that is asked for; supervised %p", (isSupervised) =>
  Daemon.with({ args: ["--isnotfc", "--health-204"], isSupervised }, async (other) => {
    const response = await other.fetch("/health");
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toBeNull();
  }));
