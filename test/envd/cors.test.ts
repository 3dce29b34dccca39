// Cross-origin requests; envd-http.md 2.3 and 8.1.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient, type RawResponse } from "../http/raw.ts";
import { Daemon } from "./daemon.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

let open: Daemon;
let closed: Daemon;
beforeAll(async () => {
  open = await Daemon.start();
  closed = await Daemon.start();
  expect((await closed.init({ accessToken: TOKEN })).status).toBe(204);
});
afterAll(async () => {
  await open.dispose();
  await closed.dispose();
});

function ask(daemon: Daemon, method: string, path: string, fields: Record<string, string>): Promise<RawResponse> {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return RawClient.with(daemon.port, async (client) => {
    await client.send(`${method} ${path} HTTP/1.1\r\nHost: mote\r\n${lines.join("")}\r\n`);
    return client.response(method);
  });
}

const preflight = {
  Origin: "http://a",
  "Access-Control-Request-Method": "POST",
  "Access-Control-Request-Headers": "x-access-token, authorization",
};
const names = ["access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers", "access-control-max-age"];

function expectPreflight(response: RawResponse): void {
  expect(response.status).toBe(204);
  expect(names.map((name) => response.get(name))).toEqual(["*", "POST", "x-access-token, authorization", "7200"]);
  expect(response.get("vary")).toBe("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  expect(response.get("access-control-allow-credentials")).toBeUndefined();
}

test("COR-01: a preflight is answered with what it asks for", async () => expectPreflight(await ask(open, "OPTIONS", "/files", preflight)));

test("COR-02: a preflight needs no token", async () => expectPreflight(await ask(closed, "OPTIONS", "/files", preflight)));

test("COR-03: nor a path that is served", async () => {
  for (const daemon of [open, closed]) {
    expectPreflight(await ask(daemon, "OPTIONS", "/process.Process/Start", preflight));
    expectPreflight(await ask(daemon, "OPTIONS", "/nope", preflight));
  }
});

test.each(["TRACE", "post", "CONNECT", "POST GET"])("COR-04: a preflight for %s allows nothing", async (method) => {
  const response = await ask(open, "OPTIONS", "/files", { ...preflight, "Access-Control-Request-Method": method });
  expect(response.status).toBe(204);
  for (const name of names) expect(response.get(name)).toBeUndefined();
});

test("COR-05: nor does one without an origin", async () => {
  const response = await ask(open, "OPTIONS", "/files", { "Access-Control-Request-Method": "POST" });
  expect(response.status).toBe(204);
  for (const name of names) expect(response.get(name)).toBeUndefined();
});

test("a preflight without headers to ask for gets none", async () => {
  const response = await ask(open, "OPTIONS", "/files", { Origin: "http://a", "Access-Control-Request-Method": "PUT" });
  expect(response.get("access-control-allow-methods")).toBe("PUT");
  expect(response.get("access-control-allow-headers")).toBeUndefined();
});

const exposed = [
  "Location", "Cache-Control", "X-Content-Type-Options", "Connect-Content-Encoding", "Connect-Protocol-Version", "Grpc-Encoding",
  "Grpc-Message", "Grpc-Status", "Grpc-Status-Details-Bin", "Content-Encoding",
];

function expectAllowed(response: RawResponse, vary: string): void {
  expect(response.get("access-control-allow-origin")).toBe("*");
  const list = (response.get("access-control-expose-headers") ?? "").split(", ");
  for (const name of exposed) expect(list).toContain(name);
  expect(response.get("vary")).toBe(vary);
}

test("COR-06: any page may read a response", async () => {
  const response = await ask(open, "GET", "/health", { Origin: "http://a" });
  expect(response.status).toBe(200);
  expectAllowed(response, "Origin");
});

test("COR-07: a request of no page", async () => {
  const response = await ask(open, "GET", "/health", {});
  expect(response.get("access-control-allow-origin")).toBeUndefined();
  expect(response.get("access-control-expose-headers")).toBeUndefined();
  expect(response.get("vary")).toBe("Origin");
});

test("COR-08: errors too may be read", async () => {
  const refused = await ask(closed, "GET", "/metrics", { Origin: "http://a" });
  expect(refused.status).toBe(401);
  expectAllowed(refused, "Origin");
  for (const [method, path, status] of [["GET", "/nope", 404], ["DELETE", "/files", 405], ["POST", "/files", 400]] as const) {
    const response = await ask(open, method, path, { Origin: "http://a" });
    if (path !== "/files" || method === "DELETE") expect(response.status).toBe(status);
    expectAllowed(response, "Origin");
  }
});

test("COR-08: a download varies with its coding too", async () => {
  for (const method of ["GET", "HEAD"]) expectAllowed(await ask(open, method, "/files?path=/etc/passwd", { Origin: "http://a" }), "Origin, Accept-Encoding");
});

test("COR-09: OPTIONS that is no preflight is a request like any other", async () => {
  const response = await ask(open, "OPTIONS", "/files", { Origin: "http://a" });
  expect(response.status).toBe(405);
  expectAllowed(response, "Origin");
  expect((await ask(closed, "OPTIONS", "/files", {})).status).toBe(401);
});
