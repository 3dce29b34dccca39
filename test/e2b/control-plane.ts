// As much of E2B's control plane as the SDK asks when it makes, meets or ends a sandbox. There is one sandbox: the agent
// under test. Making it means what it means there: envd is told the token, the environment and the user by POST /init.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface Answer {
  readonly status: number;
  readonly body?: object;
}

async function json(message: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

export class ControlPlane {
  readonly sandboxId = "i0123456789abcdefghij";
  readonly envdVersion: string;
  readonly #envd: string;
  readonly #token: string | undefined;
  readonly #server: Server;

  private constructor(envd: string, envdVersion: string, token: string | undefined) {
    this.#envd = envd;
    this.envdVersion = envdVersion;
    this.#token = token;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(body === undefined ? undefined : JSON.stringify(body));
      });
    });
  }

  /** Serves on a port of its own, for an agent that answers. */
  static async start(envd: string, token: string | undefined): Promise<ControlPlane> {
    const health = await fetch(`${envd}/health`);
    const { version } = (await health.json()) as { version: string };
    const plane = new ControlPlane(envd, version, token);
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    return plane;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #sandbox(): object {
    return {
      sandboxID: this.sandboxId,
      templateID: "base",
      clientID: "client",
      envdVersion: this.envdVersion,
      ...(this.#token === undefined ? {} : { envdAccessToken: this.#token }),
    };
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    switch (`${request.method ?? ""} ${request.url ?? ""}`) {
      case "POST /v2/sandboxes":
        return this.#create(await json(request));
      case `POST /v2/sandboxes/${this.sandboxId}/connect`:
        return { status: 200, body: this.#sandbox };
      case `DELETE /sandboxes/${this.sandboxId}`:
        return { status: 204 };
      default:
        return { status: 404, body: { code: 404, message: `${request.method ?? ""} ${request.url ?? ""}` } };
    }
  }

  async #create(body: Record<string, unknown>): Promise<Answer> {
    const init = await fetch(`${this.#envd}/init`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      // Without the time: the agent's clock may be that of the machine of the tests.
      body: JSON.stringify({ accessToken: this.#token, defaultUser: "user", envVars: body.envVars ?? {} }),
    });
    if (init.status === 204) return { status: 201, body: this.#sandbox };
    return { status: 500, body: { code: 500, message: `/init: ${init.status} ${await init.text()}` } };
  }
}
