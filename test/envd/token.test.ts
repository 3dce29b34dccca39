// The access-token layer; envd-http.md 3.1, 3.2, 8.2 and 8.10.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { AccessToken } from "../../envd/access-token.ts";
import { encodeText } from "../../sys/bytes.ts";
import { Daemon } from "./daemon.ts";
import { TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

const refusal = "unauthorized access, please provide a valid access token or method signing if supported";

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
  expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
});
afterAll(() => daemon.dispose());

async function status(path: string, token?: string, method = "GET"): Promise<number> {
  const response = await daemon.fetch(path, { method, headers: token === undefined ? {} : { "x-access-token": token } });
  await response.arrayBuffer();
  return response.status;
}

test("AUT-01: without the token", async () => {
  const response = await daemon.fetch("/metrics");
  expect(response.status).toBe(401);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await response.json()).toEqual({ code: 401, message: refusal });
});

test("AUT-02: with it", async () => expect(await status("/metrics", TOKEN)).toBe(200));

test.each([`${TOKEN}0`, TOKEN.slice(0, -1), TOKEN.slice(0, 8), TOKEN.toUpperCase(), "", ` ${TOKEN}x`])("AUT-03: with %p", async (token) => {
  expect(await status("/metrics", token)).toBe(401);
});

test("AUT-04: /health asks nobody", async () => {
  expect(await status("/health", "wrong")).toBe(200);
  expect(await status("/health", "wrong", "HEAD")).toBe(200);
});

test("AUT-05: a call of RPC", async () => {
  const response = await daemon.fetch("/process.Process/List", {
    method: "POST", body: "{}", headers: { "content-type": "application/json", "connect-protocol-version": "1" },
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toEqual({ code: 401, message: refusal });
});

test("AUT-06: /files/compose", async () => {
  const body = JSON.stringify({ source_paths: ["/etc/hostname"], destination: "/srv/composed" });
  const response = await daemon.fetch("/files/compose", { method: "POST", body, headers: { "content-type": "application/json" } });
  expect(response.status).toBe(401);
  expect(() => daemon.read("/srv/composed")).toThrow();
});

test("AUT-07: /snapshot/prepare asks nobody", () =>
  Daemon.with({}, async (other) => {
    expect((await other.init({ accessToken: TOKEN })).status).toBe(204);
    expect((await other.fetch("/snapshot/prepare", { method: "POST" })).status).toBe(204);
  }));

test("AUT-08: an unknown path", async () => {
  expect(await status("/nope")).toBe(401);
  expect(await status("/nope", TOKEN)).toBe(404);
});

test("AUT-09: the first of two counts", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.get("/metrics", `X-Access-Token: ${TOKEN}\r\nX-Access-Token: junk\r\n`);
    expect((await client.response()).status).toBe(200);
    await client.get("/metrics", `X-Access-Token: junk\r\nX-Access-Token: ${TOKEN}\r\n`);
    expect((await client.response()).status).toBe(401);
  }));

test("AUT-10: comparing takes as long for any token", () => {
  const token = new AccessToken(undefined);
  token.replace(encodeText(TOKEN));
  const candidates = [`0${TOKEN.slice(1)}`, `${TOKEN.slice(0, -1)}1`, "a1"].map((text) => encodeText(text));
  const times = candidates.map(() => [] as number[]);
  // By turns, so that what disturbs one disturbs all.
  for (let round = 0; round < 1200; round++) {
    candidates.forEach((candidate, i) => {
      const start = performance.now();
      for (let n = 0; n < 10; n++) expect(token.matches(candidate)).toBe(false);
      if (round >= 200) times[i]?.push(performance.now() - start);
    });
  }
  const medians = times.map((list) => list.sort((a, b) => a - b)[list.length / 2] ?? 0);
  expect(Math.max(...medians) / Math.min(...medians)).toBeLessThan(1.5);
});

test("AUT-11: any token will do while none is set", () =>
  Daemon.with({}, async (other) => {
    expect((await other.fetch("/metrics", { headers: { "x-access-token": "any" } })).status).toBe(200);
    expect((await other.fetch("/metrics")).status).toBe(200);
  }));

test("AUT-12: a token of 100 KB", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.get("/metrics", `X-Access-Token: ${"a".repeat(100 * 1024)}\r\n`);
    expect((await client.response()).status).toBe(401);
    expect(await status("/metrics", TOKEN)).toBe(200);
  }));

const exempt = ["GET /health", "GET /files", "POST /files", "POST /init", "POST /snapshot/prepare", "HEAD /health", "HEAD /files"];
const routes = [
  ...exempt, "GET /metrics", "HEAD /metrics", "GET /envs", "HEAD /envs", "POST /files/compose", "POST /freeze", "POST /unfreeze",
  "POST /fsfreeze", "POST /fsthaw", "POST /collapse", "POST /upgrade", "DELETE /files", "GET /init", "POST /health", "PUT /files",
  "OPTIONS /health", "GET /snapshot/prepare", "POST /filesystem.Filesystem/Stat",
];

test.each(routes)("SEC-10: %s without, with an empty and with a wrong token", async (route) => {
  const [method = "", path = ""] = route.split(" ");
  for (const token of [undefined, "", "wrong", `${TOKEN} `.repeat(2)]) {
    await RawClient.with(daemon.port, async (client) => {
      const field = token === undefined ? "" : `X-Access-Token: ${token}\r\n`;
      await client.send(`${method} ${path} HTTP/1.1\r\nHost: mote\r\nContent-Length: 0\r\n${field}\r\n`);
      const response = await client.response(method);
      // What an exempt path says to nobody in particular is its own affair.
      const isRefused = response.status === 401 && (method === "HEAD" || response.body.toString().includes(refusal));
      if (method !== "HEAD") expect([route, isRefused]).toEqual([route, !exempt.includes(route)]);
      else if (!exempt.includes(route)) expect(response.status).toBe(401);
    });
  }
});

test("SEC-11: neither errors nor the log tell the token", () =>
  Daemon.with({ args: ["--isnotfc", "--log", "debug"] }, async (other) => {
    const told: string[] = [];
    const note = async (response: Response): Promise<void> => {
      told.push(JSON.stringify([...response.headers]), await response.text());
    };
    const init = (body: string): Promise<Response> => other.init(body, { "content-type": "application/json" });
    await note(await init(`{"accessToken":"${TOKEN}"}`));
    await note(await init(`{"accessToken":"${TOKEN}x"}`));
    await note(await init(`{"accessToken":"${TOKEN}",`));
    await note(await init(`{"accessToken":"${TOKEN}","envVars":5}`));
    await note(await init(`{"accessToken":"${TOKEN}","caBundle":"x"}`));
    await note(await init(`{"accessToken":"${TOKEN}","timestamp":"1969-12-31T23:59:59Z"}`));
    await note(await init("{}"));
    for (const path of ["/metrics", "/nope", "/envs", `/files?path=x&signature=v1_${"A".repeat(43)}`]) {
      await note(await other.fetch(path));
      await note(await other.fetch(path, { headers: { "x-access-token": TOKEN } }));
      await note(await other.fetch(path, { headers: { "x-access-token": `${TOKEN}x` } }));
    }
    expect(other.stderr).toContain("/metrics");
    expect(`${told.join("\n")}${other.stderr}`).not.toContain(TOKEN);
  }));

test.each(["/%68ealth", "/files/../metrics", "/METRICS", "/metrics/", "//metrics", "/health/../metrics", "http://x/metrics", "/metrics?x=/health"])(
  "SEC-12: %s is no way around",
  (path) =>
    RawClient.with(daemon.port, async (client) => {
      await client.get(path, "X-HTTP-Method-Override: GET\r\nX-Original-URL: /health\r\n");
      expect([401, 404]).toContain((await client.response()).status);
    }),
);

test("SEC-12: nor is another method in a field", () =>
  RawClient.with(daemon.port, async (client) => {
    await client.send("POST /health HTTP/1.1\r\nHost: mote\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n");
    expect((await client.response()).status).toBe(401);
  }));
