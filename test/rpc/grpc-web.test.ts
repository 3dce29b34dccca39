// gRPC-Web as the daemon speaks it; envd-rpc.md 2.13, 6.3.

import { expect } from "bun:test";
import type { Answer } from "../connect/raw.ts";
import { CP, envelopes, W } from "../connect/answers.ts";
import { envelope } from "../connect/envelope.ts";
import { Cases } from "./cases.ts";
import { decode, encode, type Message } from "./wire.ts";

const cases = new Cases();
const success = [0x80, "grpc-status: 0\r\n"] as const;

function call(method: string, message: Message | Buffer, fields: Record<string, string> = {}, type: string = W): Promise<Answer> {
  const body = Buffer.isBuffer(message) ? message : envelope(encode(method.split("/")[1] ?? "", message));
  return cases.post(`/${method}`, type, body, fields);
}

/** The lines of the trailers, which are all that there is. */
function trailers(answer: Answer): string[] {
  const all = envelopes(answer.body);
  expect([answer.status, all.length, all[0]?.[0]]).toEqual([200, 1, 0x80]);
  return (all[0]?.[1] ?? "").split("\r\n").slice(0, -1);
}

cases.once("G01: Start has the messages of Connect, and trailers", async () => {
  const message: Message = { process: { cmd: "/bin/echo", args: ["hi"] }, stdin: false };
  const answer = await call("process.Process/Start", message);
  expect([answer.status, answer.headers.get("content-type"), answer.headers.get("transfer-encoding")]).toEqual([200, W, "chunked"]);
  expect(envelopes(answer.body).at(-1)).toEqual([...success]);
  const other = await cases.post("/process.Process/Start", CP, envelope(encode("Start", message)));
  // Both behind the start, which has another pid each.
  const behind = (body: Buffer): string => body.subarray(5 + body.readUInt32BE(1)).toString("hex");
  expect(behind(answer.body)).toBe(behind(other.body).replace(/02000000027b7d$/, Buffer.from("\x80\0\0\0\x10grpc-status: 0\r\n", "latin1").toString("hex")));
  expect(behind(answer.body)).toStartWith("0000000009" + "0a0712050a0368690a" + "0000000015" + "0a131a1110011a0d65786974207374617475732030");
});

cases.once("G02: a unary call is one message and trailers", async () => {
  for (const type of ["application/grpc-web", "application/grpc-web+json"]) {
    const isJson = type.endsWith("json");
    const answer = await call("filesystem.Filesystem/Stat", isJson ? envelope("{\"path\":\"/\"}") : { path: "/" }, {}, type);
    const [message, ...rest] = envelopes(answer.body);
    expect([answer.status, rest]).toEqual([200, [[...success]]]);
    const payload = answer.body.subarray(5, 5 + answer.body.readUInt32BE(1));
    const response = isJson ? (JSON.parse(message?.[1] ?? "{}") as Message) : decode("StatResponse", payload);
    expect((response.entry as Message).name).toBe("/");
  }
});

cases.once("G03: what is not found", async () => {
  const answer = await call("process.Process/Connect", { process: { pid: 999_999 } });
  const [status, message = ""] = trailers(answer);
  expect([status, decodeURIComponent(message)]).toEqual(["grpc-status: 5", "grpc-message: process with pid 999999 not found"]);
});

cases.once("G04: a message with a dash that is no ASCII", async (client) => {
  const stream = await client.start({ cmd: "/bin/cat", pty: {} });
  const pid = await stream.started();
  const [status, message = ""] = trailers(await call("process.Process/CloseStdin", { process: { pid } }));
  expect(status).toBe("grpc-status: 9");
  expect(message).toContain("%E2%80%94");
  expect(decodeURIComponent(message)).toBe("grpc-message: cannot close stdin for PTY process — send Ctrl+D (0x04) instead");
  await client.kill({ pid });
});

cases.once("G05: no message, and two of them", async (client) => {
  const list = envelope("");
  for (const body of [Buffer.alloc(0), Buffer.concat([list, list])]) {
    expect(trailers(await call("process.Process/List", body))[0]).toBe("grpc-status: 12");
  }
  expect(trailers(await call("process.Process/Start", Buffer.alloc(0)))[0]).toBe("grpc-status: 12");
  expect(await client.list()).toEqual([]);
});

cases.once("G06: deadlines", async (client) => {
  const stream = await client.sh("sleep 1000");
  const pid = await stream.started();
  const late = await call("process.Process/Connect", { process: { pid } }, { "Grpc-Timeout": "200m" });
  const all = envelopes(late.body);
  expect(all.map(([flags]) => flags)).toEqual([0, 0x80]);
  expect(all[1]?.[1]).toStartWith("grpc-status: 4\r\n");
  for (const timeout of ["5x", "123456789S"]) {
    expect(trailers(await call("process.Process/Connect", { process: { pid } }, { "Grpc-Timeout": timeout }))[0]).toBe("grpc-status: 3");
  }
  expect(await client.pids()).toEqual([pid]);
});

cases.once("G07: text is not taken", async () => {
  for (const type of ["application/grpc-web-text", "application/grpc-web-text+proto"]) {
    expect((await call("process.Process/List", Buffer.from(btoa("\0\0\0\0\0")), {}, type)).status).toBe(415);
  }
});

cases.once("G08: a page of another origin may read how it ended", async () => {
  const answer = await call("process.Process/List", envelope(""), { Origin: "http://a" });
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  const exposed = (answer.headers.get("access-control-expose-headers") ?? "").split(/, */).map((name) => name.toLowerCase());
  for (const name of ["grpc-status", "grpc-message", "grpc-status-details-bin"]) expect(exposed).toContain(name);
});
