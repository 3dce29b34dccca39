// A guest for all tests of a block.

import { afterAll, beforeAll, expect } from "bun:test";
import type { Client } from "../client.ts";
import { Guest, guestPort, hangLimit, type GuestOptions } from "./guest.ts";

/** Kernel parameters for an agent that is reached from the host as well as over vsock. */
export const listening = [`mote.listen=tcp:0.0.0.0:${guestPort}`, "mote.listen=vsock:1024"];

/** Kernel parameters for a guest that the host reaches: its listeners and its network. */
export const network = [...listening, "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off:10.0.2.3"];

/** A guest whose agent answers over TCP. */
class Booted {
  constructor(
    readonly guest: Guest,
    readonly client: Client,
  ) {}

  /** What a command prints on standard output, which must end with exit code 0. */
  async output(cmd: string): Promise<string> {
    const { stdout, stderr, object } = await this.client.run(cmd);
    expect([cmd, stderr.toString(), object.exit_code]).toEqual([cmd, "", 0]);
    return stdout.toString();
  }

  /** A file of the guest. */
  async file(path: string): Promise<string> {
    return (await this.client.get(path)).content.toString();
  }
}

/** Boots a guest before the tests of the block, and ends it after them. The function returned gives it to a test. */
export function booted(options: () => GuestOptions): () => Booted {
  let guest: Guest | undefined;
  let result: Booted | undefined;
  beforeAll(async () => {
    guest = Guest.boot(options());
    result = new Booted(guest, await guest.client());
  }, hangLimit);
  afterAll(async () => await guest?.dispose());
  return () => {
    if (result === undefined) throw new Error("the guest did not come up");
    return result;
  };
}
