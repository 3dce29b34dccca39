// As whom a request is made; envd-http.md 3.4, 8.2 and 8.10.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { RawClient } from "../http/raw.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

let daemon: Daemon;
beforeAll(async () => {
  daemon = await Daemon.start();
});
afterAll(() => daemon.dispose());

async function message(of: Daemon, query: string, headers: Record<string, string> = {}): Promise<[number, string]> {
  const response = await of.fetch(`/files?${query}`, { headers });
  const body = (await response.json()) as { code: number; message: string };
  expect(body.code).toBe(response.status);
  return [response.status, body.message];
}

function basic(credentials: string): Record<string, string> {
  return { authorization: `Basic ${btoa(credentials)}` };
}

async function health(headers: Record<string, string>): Promise<[number, string]> {
  const response = await daemon.fetch("/health", { headers });
  return [response.status, await response.text()];
}

test("USR-01: somebody who does not exist", async () => {
  expect(await message(daemon, "username=ghost&path=/etc/hostname")).toEqual([401, "error looking up user 'ghost': user: unknown user ghost"]);
});

test("USR-02: nobody", async () => {
  expect((await message(daemon, "username=&path=/etc/hostname"))[0]).toBe(401);
});

test("USR-03: a number is no name", async () => {
  expect((await message(daemon, "username=1000&path=/etc/hostname"))[0]).toBe(401);
});

test("USR-04: the default user is root", async () => {
  expect(await message(daemon, "path=x")).toEqual([404, "path '/root/x' does not exist"]);
});

test("USR-05, USR-06: and then whom /init names, though nobody has that name", () =>
  Daemon.with({}, async (other) => {
    await other.init({ defaultUser: "user" });
    expect(await message(other, "path=x")).toEqual([404, "path '/home/user/x' does not exist"]);
    expect((await other.init({ defaultUser: "ghost" })).status).toBe(204);
    expect((await message(other, "path=/etc/hostname"))[0]).toBe(401);
  }));

test("USR-07: Basic credentials of somebody who does not exist", async () => {
  const response = await daemon.fetch("/health", { headers: basic("ghost:") });
  expect([response.status, response.headers.get("content-type")]).toEqual([401, "application/json"]);
  expect(await response.text()).toBe('{"code":"unauthenticated","message":"invalid username: \'ghost\'"}');
  expect((await daemon.fetch("/nope", { headers: basic("ghost:x") })).status).toBe(401);
});

test("USR-08: of a user, whatever the password", async () => {
  for (const credentials of ["user:whatever", "root:", "user::::"]) expect((await health(basic(credentials)))[0]).toBe(200);
  expect((await health({ authorization: `bASIC ${btoa("ghost:")}` }))[0]).toBe(401);
});

test.each(["Bearer x", "Basic", "Basic ", "Basic !!!", `Basic ${btoa("user")}`, `Basic ${btoa("ghost")}`, `Basic ${btoa("ghost:a").slice(0, -1)}x=`, `Basic  ${btoa("ghost:")}`, `Basicx ${btoa("ghost:")}`])(
  "USR-09: %p are no credentials",
  async (authorization) => expect((await health({ authorization }))[0]).toBe(200),
);

test("USR-10: of nobody", async () => {
  expect(await health(basic(":"))).toEqual([401, '{"code":"unauthenticated","message":"invalid username: \'\'"}']);
});

test("USR-11: files are not for whom they name", async () => {
  expect(await message(daemon, "path=a", basic("user:"))).toEqual([404, "path '/root/a' does not exist"]);
});

test("SEC-01: names that are paths, or have line ends", async () => {
  for (const name of ["../../etc", "x\r\nSet-Cookie: a=b", "root:x", "root\n", "\0", "root\0", "#", "+"]) {
    await RawClient.with(daemon.port, async (client) => {
      await client.get(`/files?username=${encodeURIComponent(name)}&path=x`);
      const response = await client.response();
      expect([name, response.status]).toEqual([name, 401]);
      expect(response.get("set-cookie")).toBeUndefined();
      expect((JSON.parse(response.body.toString()) as { code: number }).code).toBe(401);
    });
  }
});

test("SEC-01: likewise in Basic credentials", async () => {
  for (const name of ["../../etc", "x\r\nSet-Cookie: a=b", "\xff", "root\n", "\0"]) {
    const response = await daemon.fetch("/health", { headers: basic(`${name}:`) });
    expect([name, response.status]).toEqual([name, 401]);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(((await response.json()) as { code: string }).code).toBe("unauthenticated");
  }
});

test("a passwd that cannot be read is an error like any other", () =>
  Daemon.with({ setup: "mount -t tmpfs etc /etc; mkdir /etc/passwd" }, async (broken) => {
    const text = "error looking up user 'root': read /etc/passwd: Is a directory";
    expect(await message(broken, "path=/x&username=root")).toEqual([500, text]);
    const body = JSON.stringify({ source_paths: ["/x"], destination: "/y", username: "root" });
    const composed = await broken.fetch("/files/compose", { method: "POST", body });
    expect([composed.status, await composed.json()]).toEqual([500, { code: 500, message: text }]);
    expect((await broken.fetch("/health")).status).toBe(200);
  }));
