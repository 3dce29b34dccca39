// The service of echo.ts, running on one of the hosts.

import { join } from "node:path";
import { freePort } from "../port.ts";

const root = join(import.meta.dir, "../..");

export const hosts: [string, string[]][] = [
  ["bun", [process.execPath, join(import.meta.dir, "echo.ts")]],
  ["native", [join(root, "build/x86_64/echo")]],
];

export class Server {
  readonly port = freePort();
  readonly url = `http://127.0.0.1:${this.port}`;
  readonly #child: Bun.Subprocess<"ignore", "inherit", "pipe">;

  private constructor(command: readonly string[]) {
    this.#child = Bun.spawn({ cmd: [...command, `tcp:127.0.0.1:${this.port}`], stdio: ["ignore", "inherit", "pipe"] });
  }

  static async start(command: readonly string[]): Promise<Server> {
    const server = new Server(command);
    const decoder = new TextDecoder();
    let said = "";
    for await (const chunk of server.#child.stderr) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes("listening\n")) return server;
    }
    throw new Error(`it did not listen: ${said}`);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}
