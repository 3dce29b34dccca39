// Streams of the process service on which nothing happens for minutes; envd-rpc.md 3.7, 3.11, 6.4, 6.5.

import { expect } from "bun:test";
import { Daemon } from "../envd/daemon.ts";
import { Client } from "../rpc/client.ts";

/** A stream of input that goes on for 10 minutes, with pauses of one. */
export async function pausedInput(): Promise<void> {
  await Daemon.with({ isSupervised: true }, async (daemon) => {
    const client = new Client(daemon.port, "json");
    const stream = await client.start({ cmd: "/bin/cat" });
    const pid = await stream.started();
    const input = await client.streamInput();
    input.send({ start: { process: { pid } } });
    for (let minute = 1; minute <= 10; minute++) {
      await Bun.sleep(60_000);
      input.send({ data: { input: { stdin: Buffer.from(`${minute}\n`) } } });
      expect(await stream.until("\n")).toBe(`${minute}\n`);
    }
    input.end();
    await input.answer();
    await client.closeStdin({ pid });
    expect((await stream.outcome()).end?.exitCode).toBe(0);
  });
}

/** Where an interval is none, the first keepalive comes after 90 s. */
export async function usualKeepalive(): Promise<void> {
  await Daemon.with({}, async (daemon) => {
    const client = new Client(daemon.port, "proto");
    const silent = async (keepalive: string | undefined): Promise<void> => {
      const start = performance.now();
      const stream = await client.start({ cmd: "/bin/sleep", args: ["1000"], stdin: false }, keepalive === undefined ? {} : { keepalive });
      const pid = await stream.started();
      expect((await stream.next()).kind).toBe("keepalive");
      expect(performance.now() - start).toBeGreaterThan(89_900);
      await client.kill({ pid });
      expect((await stream.outcome()).end?.status).toBe("signal: killed");
    };
    await Promise.all([undefined, "0", "-1", "x"].map(silent));
  });
}
