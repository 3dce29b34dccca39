/** One case of the suite. */
import type { Client } from "./client.ts";

/** Throws where the agent does not do what it must. */
export type Body = (client: Client) => void;

export class Case {
  readonly name: string;
  readonly body: Body;

  constructor(name: string, body: Body) {
    this.name = name;
    this.body = body;
  }
}
