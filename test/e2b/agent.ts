// The agent under test as E2B's SDK meets it: behind a control plane that knows its URL, its version and its token.

import { Sandbox, type SandboxOpts } from "e2b";
import { ControlPlane } from "./control-plane.ts";

/** The key of an account: the control plane of these tests takes any. */
const apiKey = `e2b_${"0".repeat(40)}`;

export interface Variant {
  /** What the control plane has said the version of envd is; the agent's own when absent. */
  readonly envdVersion?: string;
  /** The token that the SDK has; the agent's own when absent, none when empty. */
  readonly token?: string;
  /** Where the SDK sends its requests; to the agent when absent. */
  readonly url?: string;
}

export class Agent {
  readonly url: string;
  readonly token: string | undefined;
  readonly #controlPlane: ControlPlane;

  private constructor(url: string, token: string | undefined, controlPlane: ControlPlane) {
    this.url = url;
    this.token = token;
    this.#controlPlane = controlPlane;
  }

  /** An agent that serves at a URL. Its sandboxes are secured by the token, if there is one. */
  static async at(url: string, token?: string): Promise<Agent> {
    return new Agent(url, token, await ControlPlane.start(url, token));
  }

  /** Options for the SDK's calls of the control plane. */
  get options(): SandboxOpts {
    return { apiKey, apiUrl: this.#controlPlane.url, sandboxUrl: this.url };
  }

  create(options: SandboxOpts = {}): Promise<Sandbox> {
    return Sandbox.create({ ...this.options, ...options });
  }

  /** A sandbox that the SDK has been told other things about. */
  variant(variant: Variant): Sandbox {
    const token = variant.token ?? this.token ?? "";
    return new Sandbox({
      ...this.options,
      sandboxUrl: variant.url ?? this.url,
      sandboxId: this.#controlPlane.sandboxId,
      envdVersion: variant.envdVersion ?? this.#controlPlane.envdVersion,
      ...(token === "" ? {} : { envdAccessToken: token }),
    });
  }

  stop(): void {
    this.#controlPlane.stop();
  }
}
