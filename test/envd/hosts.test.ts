// The hosts in use, as bytes: what Wrenn's host agent and the E2B SDKs send to health, init, files and prepare, in their
// order, and what they rely on in the answers; envd-http.md 1.1 and 1.2.

import { expect, setDefaultTimeout, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { hangLimit } from "../agent.ts";
import { RawClient, type RawResponse } from "../http/raw.ts";
import { Daemon } from "./daemon.ts";
import { sign, TOKEN } from "./signature.ts";

setDefaultTimeout(hangLimit);

const boundary = "4f1c0e6d8d7a4b1f9e1c";
const text = "hello, guest\n".repeat(5000);

/** One part as Go's mime/multipart writes it. */
function goPart(name: string, filename: string, content: string): string {
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return `${head}${content}\r\n--${boundary}--\r\n`;
}

function chunked(body: string, size: number): string {
  let out = "";
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size);
    out += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `${out}0\r\n\r\n`;
}

/** Sends one request and reads its answer. */
async function ask(client: RawClient, request: string, method = "GET"): Promise<RawResponse> {
  expect(await client.send(request)).toBe(true);
  return client.response(method);
}

test("Wrenn's host: health, init, upload, download, prepare, metrics, health, init", () =>
  Daemon.with({ args: ["--isnotfc"] }, async (daemon) => {
    const host = `Host: 127.0.0.1:${daemon.port}\r\nUser-Agent: Go-http-client/1.1\r\n`;
    await RawClient.with(daemon.port, async (client) => {
      const health = await ask(client, `GET /health HTTP/1.1\r\n${host}Accept-Encoding: gzip\r\n\r\n`);
      expect(health.status).toBe(200);
      expect(typeof JSON.parse(health.body.toString()).version).toBe("string");

      const bare = await ask(client, `POST /init HTTP/1.1\r\n${host}Content-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n`, "POST");
      expect([bare.status, bare.body.length]).toEqual([204, 0]);
      const body = '{"defaultUser":"user","envVars":{"K":"v"}}';
      const init = `POST /init HTTP/1.1\r\n${host}Content-Length: ${body.length}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n${body}`;
      expect((await ask(client, init, "POST")).status).toBe(204);

      // The buffered way, with a length; then streamed, without.
      const form = goPart("file", "upload", text);
      const fields = `${host}Content-Type: multipart/form-data; boundary=${boundary}\r\nAccept-Encoding: gzip\r\n`;
      const whole = `POST /files?path=%2Fsrv%2Fw%2Fa.txt&username=root HTTP/1.1\r\n${fields}Content-Length: ${form.length}\r\n\r\n${form}`;
      const stored = await ask(client, whole, "POST");
      expect(stored.status).toBe(200);
      expect(JSON.parse(stored.body.toString())).toEqual([{ path: "/srv/w/a.txt", name: "a.txt", type: "file" }]);
      const streamed = `POST /files?path=%2Fsrv%2Fw%2Fb.txt&username=root HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n${chunked(form, 8192)}`;
      expect((await ask(client, streamed, "POST")).status).toBe(200);
      for (const name of ["a", "b"]) expect(daemon.read(`/srv/w/${name}.txt`).toString()).toBe(text);

      // Its client asks for gzip by itself, and undoes it.
      const read = await ask(client, `GET /files?path=%2Fsrv%2Fw%2Fb.txt&username=root HTTP/1.1\r\n${host}Accept-Encoding: gzip\r\n\r\n`);
      expect([read.status, read.get("content-encoding")]).toEqual([200, "gzip"]);
      expect(gunzipSync(read.body).toString()).toBe(text);

      const prepare = await ask(client, `POST /snapshot/prepare HTTP/1.1\r\n${host}Content-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n`, "POST");
      expect([prepare.status, prepare.get("connection")]).toEqual([204, "close"]);
    });
    await RawClient.with(daemon.port, async (client) => {
      const metrics = await ask(client, `GET /metrics HTTP/1.1\r\n${host}Accept-Encoding: gzip\r\n\r\n`);
      expect(metrics.status).toBe(200);
      expect(Number.isInteger(JSON.parse(metrics.body.toString()).mem_used)).toBe(true);
    });
    await RawClient.with(daemon.port, async (client) => {
      const health = await ask(client, `GET /health HTTP/1.1\r\n${host}Accept-Encoding: gzip\r\n\r\n`);
      expect([health.status, health.get("connection")]).toEqual([200, undefined]);
      const init = await ask(client, `POST /init HTTP/1.1\r\n${host}Content-Length: 0\r\nAccept-Encoding: gzip\r\n\r\n`, "POST");
      expect(init.status).toBe(204);
    });
  }));

test("the E2B SDKs: health, write as a form, as bytes and in several, read, signed URLs", () =>
  Daemon.with({ args: ["--isnotfc"] }, async (daemon) => {
    const body = `{"accessToken":"${TOKEN}","defaultUser":"user"}`;
    const ids = "E2b-Sandbox-Id: i1\r\nE2b-Sandbox-Port: 49983\r\n";
    const host = `Host: 127.0.0.1:${daemon.port}\r\nUser-Agent: e2b-js-sdk/2.45.0\r\n${ids}X-Access-Token: ${TOKEN}\r\n`;
    await RawClient.with(daemon.port, async (client) => {
      const init = `POST /init HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      expect((await ask(client, init, "POST")).status).toBe(204);
      const health = await ask(client, `GET /health HTTP/1.1\r\n${host}Accept: */*\r\nAccept-Encoding: gzip, deflate\r\n\r\n`);
      expect(health.status).toBe(200);

      // A file's name is its path.
      const form = goPart("file", "dir/one.txt", text);
      const multipart = `${host}Content-Type: multipart/form-data; boundary=${boundary}\r\nContent-Length: ${form.length}\r\nAccept-Encoding: gzip, deflate\r\n`;
      for (const query of ["?path=dir%2Fone.txt", ""]) {
        const answer = await ask(client, `POST /files${query} HTTP/1.1\r\n${multipart}\r\n${form}`, "POST");
        expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([200, [{ path: "/home/user/dir/one.txt", name: "one.txt", type: "file" }]]);
      }
      const octets = `${host}Content-Type: application/octet-stream\r\nX-Metadata-Author: mish\r\nTransfer-Encoding: chunked\r\n`;
      const bytes = await ask(client, `POST /files?path=two.txt HTTP/1.1\r\n${octets}\r\n${chunked(text, 65_536)}`, "POST");
      expect(bytes.status).toBe(200);
      expect(daemon.read("/home/user/two.txt").toString()).toBe(text);
      const empty = await ask(client, `POST /files?path=empty HTTP/1.1\r\n${host}Content-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n`, "POST");
      expect(empty.status).toBe(200);

      const read = await ask(client, `GET /files?path=two.txt HTTP/1.1\r\n${host}Accept: */*\r\nAccept-Encoding: gzip, deflate\r\n\r\n`);
      expect([read.status, read.get("content-encoding")]).toEqual([200, "gzip"]);
      expect(gunzipSync(read.body).toString()).toBe(text);
      // By this length the SDK knows a file that is empty.
      const nothing = await ask(client, `GET /files?path=empty HTTP/1.1\r\n${host}Accept-Encoding: identity\r\n\r\n`);
      expect([nothing.status, nothing.get("content-length")]).toEqual([200, "0"]);
      const missing = await ask(client, `GET /files?path=none HTTP/1.1\r\n${host}\r\n`);
      expect(missing.status).toBe(404);
      expect(JSON.parse(missing.body.toString())).toEqual({ code: 404, message: "path '/home/user/none' does not exist" });

      // A browser with a signed URL: no token, no user.
      const signature = encodeURIComponent(sign("two.txt", "read", ""));
      const signed = await ask(client, `GET /files?path=two.txt&signature=${signature} HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect([signed.status, signed.body.toString()]).toEqual([200, text]);
      const refused = await ask(client, "GET /files?path=two.txt HTTP/1.1\r\nHost: x\r\n\r\n");
      expect([refused.status, typeof JSON.parse(refused.body.toString()).code]).toEqual([401, "number"]);
    });
  }));
