// What guests of Wrenn meet of their host, in Go there: the calls of envd-http.md 1.1 and the binary Connect client.

import { expect } from "bun:test";
import { Client } from "../../rpc/client.ts";
import { until } from "../../until.ts";

export class HostCalls {
  readonly url: string;
  readonly processes: Client;

  /** A port of this machine that leads to envd. */
  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.processes = new Client(port, "proto");
  }

  /** The version, where envd answers as this host wants it: exactly 200, and JSON. */
  async health(): Promise<string | undefined> {
    const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    if (response?.status !== 200) return undefined;
    const { version } = (await response.json()) as { version: unknown };
    return typeof version === "string" ? version : undefined;
  }

  /** Asks every now and then, as this host does, until envd answers. */
  async ready(isRunning: () => boolean): Promise<string> {
    let version: string | undefined;
    await until("envd answers", 120, async () => {
      if (!isRunning()) throw new Error("QEMU ended");
      version = await this.health();
      return version !== undefined;
    });
    return version ?? "";
  }

  /** What a template has, or nothing at all. Wants exactly 204. */
  async init(defaults?: { defaultUser: string; envVars: Record<string, string> }): Promise<void> {
    const body = defaults === undefined ? {} : { body: JSON.stringify(defaults), headers: { "content-type": "application/json" } };
    expect((await fetch(`${this.url}/init`, { method: "POST", ...body })).status).toBe(204);
  }

  async prepare(): Promise<void> {
    expect((await fetch(`${this.url}/snapshot/prepare`, { method: "POST" })).status).toBe(204);
  }

  async memoryUsed(): Promise<number> {
    const response = await fetch(`${this.url}/metrics`);
    expect(response.status).toBe(200);
    return ((await response.json()) as { mem_used: number }).mem_used;
  }

  /** Stores a file as root, a form of one part. */
  async put(path: string, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const form = new FormData();
    form.append("file", new Blob([content]), "upload");
    expect((await fetch(this.#file(path), { method: "POST", body: form })).status).toBe(200);
  }

  /** Reads one as root, with the gzip that the client asks for by itself. */
  async get(path: string): Promise<Uint8Array> {
    const response = await fetch(this.#file(path), { headers: { "accept-encoding": "gzip" } });
    expect(response.status).toBe(200);
    return response.bytes();
  }

  /** Exec: a command to its end, with the deadline that this host gives it. Its output and code. */
  async exec(script: string): Promise<{ stdout: string; stderr: string; exitCode: number | undefined }> {
    const { stdout, stderr, end } = await this.processes.run(script, { timeout: 120_000 });
    return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode: end?.exitCode };
  }

  #file(path: string): string {
    return `${this.url}/files?path=${encodeURIComponent(path)}&username=root`;
  }
}
