// The service of echo.ts on each of its hosts, and requests to it as they are.

import { afterAll, beforeAll, describe } from "bun:test";
import { type Answer, request } from "./raw.ts";
import { hosts, Server } from "./server.ts";

type Fields = Readonly<Record<string, string>>;

export class Echo {
  #server: Server | undefined;

  get server(): Server {
    if (this.#server === undefined) throw new Error("the service has not been started");
    return this.#server;
  }

  async start(command: readonly string[]): Promise<void> {
    this.#server = await Server.start(command);
  }

  /** One request on a connection of its own. `type` is that of the body, undefined for none. */
  post(path: string, type: string | undefined, body: Uint8Array | string = "", fields: Fields = {}): Promise<Answer> {
    return request(this.server.port, `POST ${path}`, { ...(type === undefined ? {} : { "Content-Type": type }), ...fields }, body);
  }

  unary(type: string, body: Uint8Array | string, fields: Fields = {}): Promise<Answer> {
    return this.post("/test.Echo/Unary", type, body, fields);
  }

  count(type: string, body: Uint8Array | string, fields: Fields = {}): Promise<Answer> {
    return this.post("/test.Echo/Count", type, body, fields);
  }

  sum(type: string, body: Uint8Array | string, fields: Fields = {}): Promise<Answer> {
    return this.post("/test.Echo/Sum", type, body, fields);
  }
}

/** Registers the tests of `body` once for each host, with a service of their own. */
export function onEachHost(body: (echo: Echo) => void): void {
  describe.each(hosts)("on %s", (_, command) => {
    const echo = new Echo();
    beforeAll(() => echo.start(command));
    afterAll(() => echo.server.stop());
    body(echo);
  });
}
