// Signed URLs of /files; envd-http.md 3.3 and 8.2. The signer by itself: signing.test.ts.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { Daemon } from "./daemon.ts";
import { sign, TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

const path = "/home/user/hello.txt";
let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start({ setup: "echo hello > /home/user/hello.txt" });
  expect((await daemon.init({ accessToken: TOKEN, defaultUser: "user" })).status).toBe(204);
});
afterAll(() => daemon.dispose());

type Parameters = Readonly<Record<string, string | number | undefined>>;

function url(parameters: Parameters): string {
  const query = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
  return `/files?${query.join("&")}`;
}

async function get(parameters: Parameters, headers: Record<string, string> = {}): Promise<[number, string]> {
  const response = await daemon.fetch(url(parameters), { headers });
  const text = await response.text();
  if (response.status !== 401) return [response.status, text];
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
  const { code, message } = JSON.parse(text) as { code: number; message: string };
  expect(code).toBe(401);
  return [401, message];
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

const good: [number, string] = [200, "hello\n"];
const invalid: [number, string] = [401, "invalid signature"];

test("SIG-01: of a path, by nobody in particular", async () => {
  expect(await get({ path, signature: sign(path, "read", "") })).toEqual(good);
});

test("the token itself will do", async () => expect(await get({ path }, { "x-access-token": TOKEN })).toEqual(good));

test("SIG-02: none", async () => expect(await get({ path })).toEqual([401, "missing signature query parameter"]));

test("SIG-03: for another operation", async () => expect(await get({ path, signature: sign(path, "write", "") })).toEqual(invalid));

test("SIG-04: for another path", async () => {
  expect(await get({ path, signature: sign(`${path}x`, "read", "") })).toEqual(invalid);
  expect(await get({ path: "/home/user/../user/hello.txt", signature: sign(path, "read", "") })).toEqual(invalid);
});

test("SIG-05: for another user", async () => {
  expect(await get({ path, username: "root", signature: sign(path, "read", "user") })).toEqual(invalid);
});

test("SIG-06: for the default user by name, whom the request does not name", async () => {
  expect(await get({ path, signature: sign(path, "read", "user") })).toEqual(invalid);
  expect(await get({ path, username: "user", signature: sign(path, "read", "user") })).toEqual(good);
});

test("SIG-07: for a minute", async () => {
  const exp = now() + 60;
  expect(await get({ path, signature: sign(path, "read", "", exp), signature_expiration: exp })).toEqual(good);
});

test("SIG-08: for this very second", async () => {
  // The second may end while the request is under way.
  for (;;) {
    const exp = now();
    const answer = await get({ path, signature: sign(path, "read", "", exp), signature_expiration: exp });
    if (now() !== exp) continue;
    expect(answer).toEqual(good);
    return;
  }
});

test("SIG-09: for the past", async () => {
  const exp = now() - 10_000;
  const response = await daemon.fetch(url({ path, signature: sign(path, "read", "", exp), signature_expiration: exp }));
  expect([response.status, await response.text()]).toEqual([401, '{"code":401,"message":"signature is already expired"}']);
});

test("SIG-10: without an expiration that the request has", async () => {
  expect(await get({ path, signature: sign(path, "read", ""), signature_expiration: now() - 10_000 })).toEqual(invalid);
});

test("SIG-11: until 1970", async () => {
  for (const exp of [0, -5]) {
    const answer = await get({ path, signature: sign(path, "read", "", exp), signature_expiration: exp });
    expect(answer).toEqual([401, "signature is already expired"]);
  }
});

test("an expiration is signed as the number that it is", async () => {
  const exp = now() + 60;
  expect(await get({ path, signature: sign(path, "read", "", exp), signature_expiration: `00${exp}` })).toEqual(good);
});

test.each(["abc", "", "1.5", `${2n ** 70n}`, " 1"])("SIG-12: an expiration of %p", async (exp) => {
  const response = await daemon.fetch(`/files?path=${path}&signature=x&signature_expiration=${exp}`);
  expect(response.status).toBe(400);
  expect(response.headers.get("content-type")).toStartWith("text/plain");
  expect(await response.text()).toStartWith("Invalid format for parameter signature_expiration: ");
});

test("SIG-13: beside a wrong token", async () => {
  const answer = await get({ path, signature: sign(path, "read", "") }, { "x-access-token": "wrong" });
  expect(answer).toEqual([401, "access token present in header but does not match"]);
});

test("SIG-14: beside an empty token", async () => {
  expect(await get({ path, signature: sign(path, "read", "") }, { "x-access-token": "" })).toEqual(good);
});

test("SIG-15: for an upload by the name of its file", async () => {
  const form = (): FormData => {
    const data = new FormData();
    data.append("file", new File(["signed"], "/home/user/signed.txt"));
    return data;
  };
  const stored = await daemon.fetch(url({ signature: sign("", "write", "") }), { method: "POST", body: form() });
  expect(stored.status).toBe(200);
  expect(daemon.read("/home/user/signed.txt").toString()).toBe("signed");
  for (const signature of [sign("", "read", ""), undefined]) {
    const refused = await daemon.fetch(url({ signature }), { method: "POST", body: form() });
    expect(refused.status).toBe(401);
  }
});

test("SIG-17: a plus sign that is not escaped is a space", async () => {
  // One whose signature has a plus.
  let name = "a";
  while (!sign(name, "read", "").includes("+")) name += "a";
  const signature = sign(name, "read", "");
  const response = await daemon.fetch(`/files?path=${name}&signature=${signature}`);
  expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([401, "invalid signature"]);
  expect((await get({ path: name, signature }))[0]).toBe(404);
});

test("SIG-18: padding, or another alphabet", async () => {
  let name = "b";
  while (!/[+/]/.test(sign(name, "read", ""))) name += "b";
  const signature = sign(name, "read", "");
  for (const other of [`${signature}=`, signature.replaceAll("+", "-").replaceAll("/", "_")]) {
    expect(await get({ path: name, signature: other })).toEqual(invalid);
  }
});

test("SIG-19: any, while no token is set", () =>
  Daemon.with({ setup: "echo hello > /home/user/hello.txt" }, async (other) => {
    const response = await other.fetch(url({ path, signature: "junk", signature_expiration: 1 }));
    expect([response.status, await response.text()]).toEqual(good);
  }));

test("SIG-20: HEAD reads", async () => {
  const headers = { "accept-encoding": "identity" };
  const response = await daemon.fetch(url({ path, signature: sign(path, "read", "") }), { method: "HEAD", headers });
  expect([response.status, response.headers.get("content-length")]).toEqual([200, "6"]);
  expect((await daemon.fetch(url({ path, signature: sign(path, "write", "") }), { method: "HEAD" })).status).toBe(401);
});

test("SIG-21: of a file that is missing", async () => {
  const exp = now() + 60;
  const parameters = { path: "demo/test.txt", username: "user", signature: sign("demo/test.txt", "read", "user", exp), signature_expiration: exp };
  const [status, text] = await get(parameters);
  expect([status, JSON.parse(text)]).toEqual([404, { code: 404, message: "path '/home/user/demo/test.txt' does not exist" }]);
});

test("of a path that is no ASCII", async () => {
  const name = "/home/user/übung 1.txt";
  expect((await get({ path: name, signature: sign(name, "read", "") }))[0]).toBe(404);
});
