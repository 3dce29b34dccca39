// Connect as the daemon speaks it: routes, types, times, tokens, users; envd-rpc.md 2, 6.2. What the layer does by itself
// is tested on a service of its own, byte for byte: ../connect/raw.test.ts.

import { expect } from "bun:test";
import { CJ, code, CP, endCode, envelopes, J, P } from "../connect/answers.ts";
import { envelope } from "../connect/envelope.ts";
import { type Answer, head, RawClient, request } from "../connect/raw.ts";
import { Daemon } from "../envd/daemon.ts";
import { TOKEN } from "../envd/signature.ts";
import { host } from "../host.ts";
import * as proc from "../proc.ts";
import { Cases, failure } from "./cases.ts";
import type { EventStream } from "./event-stream.ts";
import { encode } from "./wire.ts";

const cases = new Cases();

const start = JSON.stringify({ process: { cmd: "/bin/touch", args: ["/srv/spawned"] } });

const list = (type: string | undefined, body: string, fields: Record<string, string> = {}): Promise<Answer> => cases.post("/process.Process/List", type, body, fields);

cases.once("P01, P02, P03: paths that are none", async () => {
  for (const path of ["/process.Process/Nope", "/process.process/list", "/process.Process/List/", "/api/process.Process/List"]) {
    const answer = await cases.post(path, J, "{}");
    expect([path, ...code(answer)]).toEqual([path, 404, "unimplemented"]);
    expect(answer.body.toString()).toContain(`method not found: ${path.slice(1)}`);
  }
  expect(endCode(await cases.post("/process.Process/Nope", CJ, envelope("{}")))).toBe("unimplemented");
});

cases.once("P04, P05: methods that are none", async () => {
  for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
    const raw = await RawClient.open(cases.daemon.port);
    await raw.send(head(`${method} /process.Process/List?encoding=json&message=%7B%7D`, { Connection: "close" }));
    await raw.closed();
    const lines = (await raw.rest()).toString().split("\r\n");
    raw.close();
    // Nothing comes behind the head.
    expect([method, lines[0]?.split(" ")[1], lines.includes("Allow: POST"), lines.slice(-2)]).toEqual([method, "405", true, ["", ""]]);
  }
});

cases.once("P06, P07, P08, P44: types of a body", async () => {
  for (const type of [undefined, "text/plain", "application/xml", CJ, "application/grpc"]) {
    const answer = await list(type, "{}");
    expect([type, answer.status, answer.headers.get("accept-post")?.startsWith(`${J}, ${P}`), answer.body.length]).toEqual([type, 415, true, 0]);
  }
  for (const type of [J, "application/grpc", "application/grpc+proto"]) {
    expect([type, (await cases.post("/process.Process/Start", type, start)).status]).toEqual([type, 415]);
  }
  const answer = await list("Application/JSON; Charset=UTF-8", "{}");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, J]);
});

cases.once("P09: the version of the protocol", async () => {
  for (const fields of [{ "Connect-Protocol-Version": "1" }, {}]) expect((await list(J, "{}", fields)).status).toBe(200);
  expect(code(await list(J, "{}", { "Connect-Protocol-Version": "2" }))).toEqual([400, "invalid_argument"]);
});

cases.both("P10, P11: errors of unary calls are JSON, each with its status", async (client) => {
  const type = `application/${client.codec}`;
  const message = (name: string, value: object): Buffer => (client.codec === "proto" ? encode(name, value as never) : Buffer.from(JSON.stringify(value)));
  const terminal = await client.start({ cmd: "/bin/cat", pty: {} });
  const pid = await terminal.started();
  const closed = await client.sh("exec <&-; echo closed; sleep 1000", {}, { stdin: true });
  await closed.started();
  await closed.until("closed\n");
  const calls: readonly [number, string, string, object, Record<string, string>?][] = [
    [400, "invalid_argument", "process.Process/SendInput", { process: { pid } }],
    [404, "not_found", "process.Process/CloseStdin", { process: { pid: 999_999 } }],
    [400, "failed_precondition", "process.Process/CloseStdin", { process: { pid } }],
    [409, "already_exists", "filesystem.Filesystem/MakeDir", { path: "/srv" }],
    [500, "internal", "process.Process/SendInput", { process: { pid: closed.pid }, input: { stdin: client.codec === "json" ? "eA==" : Buffer.from("x") } }],
    [401, "unauthenticated", "filesystem.Filesystem/Stat", { path: "f" }, { Authorization: `Basic ${btoa("ghost:")}` }],
    [504, "deadline_exceeded", "process.Process/List", {}, { "Connect-Timeout-Ms": "0" }],
    [501, "unimplemented", "process.Process/List", {}, { "Content-Encoding": "snappy" }],
  ];
  for (const [status, name, method, value, fields] of calls) {
    const answer = await cases.post(`/${method}`, type, message(method.split("/")[1] ?? "", value), fields);
    expect([method, ...code(answer)]).toEqual([method, status, name]);
  }
  for (const one of [pid, closed.pid]) await client.kill({ pid: one });
});

cases.once("P31: times that are none", async () => {
  for (const timeout of ["abc", "-5", "12345678901", ""]) {
    const fields = { "Connect-Timeout-Ms": timeout };
    expect(code(await list(J, "{}", fields))).toEqual([400, "invalid_argument"]);
    expect(endCode(await cases.post("/process.Process/Start", CJ, envelope(start), fields))).toBe("invalid_argument");
  }
});

cases.once("P34: the deadline of Connect ends that stream alone", async (client) => {
  const stream = await client.sh("sleep 1000");
  const pid = await stream.started();
  const { error, end } = await (await client.connect({ pid }, { timeout: 500 })).outcome();
  expect([error?.code, error?.message, end]).toEqual(["deadline_exceeded", "context deadline exceeded", undefined]);
  expect(proc.isAlive(pid)).toBe(true);
  await client.kill({ pid });
  expect((await stream.outcome()).end?.status).toBe("signal: killed");
});

cases.both("P35: head and start come while the process runs", async (client) => {
  const stream = await client.sh("sleep 1000");
  const pid = await stream.started();
  expect(proc.isAlive(pid)).toBe(true);
});

cases.once("P36: a hundred calls on one connection, errors and streams among them", async (client) => {
  const { pid } = await client.run("exit 5");
  const raw = await RawClient.open(cases.daemon.port);
  const calls: readonly [string, string, Buffer | string, number][] = [
    ["/process.Process/List", J, "{}", 200],
    ["/process.Process/CloseStdin", J, "{\"process\":{\"pid\":999999}}", 404],
    ["/process.Process/List", "x/y", "{}", 415],
    ["/process.Process/Connect", CJ, envelope(`{"process":{"pid":${pid}}}`), 200],
    ["/process.Process/Nope", J, "{}", 404],
  ];
  for (let i = 0; i < 100; i++) {
    const [path, type, body, status] = calls[i % calls.length] ?? ["", "", "", 0];
    await raw.send(Buffer.concat([Buffer.from(head(`POST ${path}`, { "Content-Type": type, "Content-Length": `${body.length}` })), Buffer.from(body)]));
    const answer = await raw.answer();
    expect([path, answer.status, answer.headers.get("connection")]).toEqual([path, status, undefined]);
  }
  raw.close();
});

cases.once("P38, P39: the token is asked for, but not of a preflight", async () => {
  await Daemon.with({}, async (daemon) => {
    expect((await daemon.init({ accessToken: TOKEN })).status).toBe(204);
    const call = (type: string, fields: Record<string, string>): Promise<Answer> =>
      request(daemon.port, "POST /process.Process/Connect", { "Content-Type": type, ...fields }, envelope("{\"process\":{\"pid\":999999}}"));
    for (const type of [CJ, CP, J]) {
      for (const fields of [{}, { "X-Access-Token": `${TOKEN}x` }]) {
        const answer = await call(type, fields);
        expect([answer.status, answer.headers.get("content-type")]).toEqual([401, "application/json; charset=utf-8"]);
        expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 401 });
      }
    }
    expect(endCode(await call(CJ, { "X-Access-Token": TOKEN }))).toBe("not_found");
    const preflight = await request(daemon.port, "OPTIONS /process.Process/Start", {
      Origin: "http://a", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "connect-protocol-version, x-access-token",
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect([preflight.headers.get("access-control-allow-methods"), preflight.headers.get("access-control-allow-headers")]).toEqual([
      "POST", "connect-protocol-version, x-access-token",
    ]);
  });
});

cases.once("P40, P41: whom a call is made as", async () => {
  const stat = (authorization: string): Promise<Answer> => cases.post("/filesystem.Filesystem/Stat", J, "{\"path\":\"\"}", { Authorization: authorization });
  for (const name of ["nope", ""]) {
    const authorization = `Basic ${btoa(`${name}:`)}`;
    const answer = await stat(authorization);
    expect(code(answer)).toEqual([401, "unauthenticated"]);
    expect(answer.body.toString()).toContain(`invalid username: '${name}'`);
    expect(endCode(await cases.post("/process.Process/Start", CJ, envelope(start), { Authorization: authorization }))).toBe("unauthenticated");
  }
  for (const authorization of ["Bearer x", "Basic %%%"]) expect((await stat(authorization)).body.toString()).toContain("\"path\":\"/root\"");
});

cases.once("P42: a client that asks before it sends", async () => {
  const raw = await RawClient.open(cases.daemon.port);
  await raw.send(head("POST /process.Process/List", { "Content-Type": J, "Content-Length": "2", Expect: "100-continue" }));
  expect((await raw.bytes(25)).toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  await raw.send("{}");
  expect((await raw.answer()).status).toBe(200);
  raw.close();
});

cases.once("P43: a stream in HTTP/1.0 ends with the connection", async () => {
  const raw = await RawClient.open(cases.daemon.port);
  const body = envelope(JSON.stringify({ process: { cmd: "/bin/sh", args: ["-c", "head -c 100000 /dev/zero; exit 3"] }, stdin: false }));
  await raw.send(Buffer.concat([Buffer.from(`POST /process.Process/Start HTTP/1.0\r\nContent-Type: ${CJ}\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
  await raw.closed();
  const { headers } = await raw.answer();
  expect([headers.has("transfer-encoding"), headers.get("connection")]).toEqual([false, "close"]);
  const all = envelopes(await raw.rest());
  expect(all.at(-1)).toEqual([2, "{}"]);
  expect(all.at(-2)?.[1]).toContain("\"exitCode\":3");
  const bytes = all.map(([, text]) => /"stdout":"([^"]*)"/.exec(text)?.[1] ?? "").reduce((sum, text) => sum + Buffer.from(text, "base64").length, 0);
  expect(bytes).toBe(100_000);
});

// What the Python SDK's own client sent until July 2026: it has no deadline of its own, and raises on any key `error`.
cases.once("E07: the older Python client is told that its time is up, and of success without a key for errors", async (client) => {
  const run = async (script: string, timeout: string): Promise<[number, string][]> => {
    const fields = {
      "User-Agent": "connect-python", "Content-Type": CJ, "Connect-Protocol-Version": "1", "Connect-Timeout-Ms": timeout,
      "Connect-Content-Encoding": "identity", "Connect-Accept-Encoding": "identity", "Content-Encoding": "identity", "Accept-Encoding": "identity",
      "Keepalive-Ping-Interval": "50", Authorization: `Basic ${btoa("user:")}`,
    };
    const message = { process: { cmd: "/bin/bash", args: ["-l", "-c", script], envs: {}, cwd: null } };
    return envelopes((await cases.post("/process.Process/Start", CJ, envelope(JSON.stringify(message)), fields)).body);
  };
  const late = await run("exec sleep 1000", "500");
  expect(late.map(([flags]) => flags)).toEqual([0, 2]);
  expect(JSON.parse(late[1]?.[1] ?? "")).toEqual({ error: { code: "deadline_exceeded", message: "context deadline exceeded" } });
  const done = await run("exit 0", "60000");
  expect([done.at(-2)?.[1].includes("\"end\""), done.at(-1)]).toEqual([true, [2, "{}"]]);
  expect(await client.list()).toEqual([]);
});

const many = host.name === "aarch64" ? 50 : 200;

cases.both(`P45: ${many} processes at once, on a connection each`, async (client) => {
  const streams: EventStream[] = await Promise.all(Array.from({ length: many }, (_, i) => client.sh(`echo ${i}; sleep 1`)));
  const outcomes = await Promise.all(streams.map((stream) => stream.outcome()));
  expect(outcomes.map(({ stdout, end }) => [stdout.toString(), end?.exitCode])).toEqual(Array.from({ length: many }, (_, i) => [`${i}\n`, 0]));
  expect((await failure(client.kill({ pid: outcomes[0]?.pid ?? 0 }))).code).toBe("not_found");
});
