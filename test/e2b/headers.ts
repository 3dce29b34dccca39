// What the SDK really sends, as a proxy in front of the agent sees it: what the specification of the agent builds on.

import { deepEqual, equal, match } from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cases } from "./case.ts";

interface Exchange {
  /** Method and path, without the query. */
  readonly call: string;
  readonly query: URLSearchParams;
  readonly sent: IncomingHttpHeaders;
  answered: IncomingHttpHeaders;
}

/** Passes requests on as they are and keeps the heads. */
class Recorder {
  readonly exchanges: Exchange[] = [];
  readonly #server: Server;

  constructor(target: string) {
    this.#server = createServer((incoming, outgoing) => {
      const url = new URL(incoming.url ?? "/", target);
      const exchange: Exchange = { call: `${incoming.method ?? ""} ${url.pathname}`, query: url.searchParams, sent: incoming.headers, answered: {} };
      this.exchanges.push(exchange);
      const onward = httpRequest(url, { method: incoming.method ?? "GET", headers: incoming.headers, agent: false }, (answer) => {
        exchange.answered = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on("error", () => outgoing.destroy());
      incoming.pipe(onward);
    });
  }

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`));
    });
  }

  /** The last exchange of a call. */
  of(call: string): Exchange {
    const found = this.exchanges.findLast((exchange) => exchange.call === call);
    if (found === undefined) throw new Error(`no ${call} among ${this.exchanges.map((exchange) => exchange.call).join()}`);
    return found;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const start = "POST /process.Process/Start";
const stat = "POST /filesystem.Filesystem/Stat";

export const headers = cases("what the SDK sends", {
  "to every call": async ({ agent, sandbox }) => {
    const recorder = new Recorder(agent.url);
    const recorded = agent.variant({ url: await recorder.listen() });
    await recorded.commands.run("true");
    await recorded.files.exists("/");
    await recorded.files.read("/etc/passwd");
    for (const { call, sent } of recorder.exchanges) {
      match(sent["user-agent"] ?? "", /^e2b-js-sdk\/\d+\.\d+\.\d+$/);
      const named = ["x-access-token", "e2b-sandbox-id", "e2b-sandbox-port", "authorization"].map((name) => sent[name]);
      deepEqual([call, ...named], [call, agent.token, sandbox.sandboxId, "49983", undefined]);
    }
    equal(recorder.exchanges.length, 3);
    recorder.stop();
  },

  "to streams, and to other procedures": async ({ agent, directory }) => {
    const recorder = new Recorder(agent.url);
    const recorded = agent.variant({ url: await recorder.listen() });
    await recorded.commands.run("true", { user: "root" });
    const names = ["content-type", "connect-protocol-version", "connect-timeout-ms", "keepalive-ping-interval", "authorization"];
    const user = `Basic ${Buffer.from("root:").toString("base64")}`;
    deepEqual(names.map((name) => recorder.of(start).sent[name]), ["application/connect+json", "1", "60000", "50", user]);
    equal(recorder.of(start).answered["content-encoding"], undefined);
    equal(recorder.of(start).answered["connect-content-encoding"], undefined);
    await recorded.commands.run("true", { timeoutMs: 0 });
    equal(recorder.of(start).sent["connect-timeout-ms"], undefined);
    await recorded.files.exists(directory, { user: "user" });
    const own = `Basic ${Buffer.from("user:").toString("base64")}`;
    deepEqual(names.map((name) => recorder.of(stat).sent[name]), ["application/json", "1", undefined, undefined, own]);
    recorder.stop();
  },

  "to files": async ({ agent, directory }) => {
    const recorder = new Recorder(agent.url);
    const recorded = agent.variant({ url: await recorder.listen() });
    const path = `${directory}/f`;
    await recorded.files.write(path, "x".repeat(10_000), { user: "user" });
    const form = recorder.of("POST /files");
    deepEqual([form.query.get("path"), form.query.get("username")], [path, "user"]);
    match(form.sent["content-type"] ?? "", /^multipart\/form-data; ?boundary=/);
    await recorded.files.write(path, "x".repeat(10_000), { gzip: true, metadata: { kind: "k" } });
    const raw = recorder.of("POST /files");
    deepEqual([raw.query.get("path"), raw.query.get("username")], [path, null]);
    deepEqual(["content-type", "content-encoding", "x-metadata-kind"].map((name) => raw.sent[name]), ["application/octet-stream", "gzip", "k"]);
    equal((await recorded.files.read(path)).length, 10_000);
    const read = recorder.of("GET /files");
    match(read.sent["accept-encoding"] ?? "", /gzip/);
    equal(read.answered["content-encoding"], "gzip");
    recorder.stop();
  },
});
