// The SmolVM cases against the agent as PID 1 of a guest: from inside over AF_VSOCK, by the suite that was compiled for
// it and by motectl, and from the host over TCP.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { noise, sha256 } from "../scratch.ts";
import { booted, network } from "./booted.ts";
import { Guest, hangLimit } from "./guest.ts";
import { usualInitramfs } from "./images.ts";
import { allCases } from "./suite/cases.ts";
import { suiteResults, type Results } from "./tap.ts";

setDefaultTimeout(hangLimit);

const MB = 1_000_000;

describe("over AF_VSOCK, CID 1, inside the guest", () => {
  let guest: Guest;
  let results: Results;
  beforeAll(async () => {
    // Without the kernel's own lines, which would come in the middle of the suite's.
    const parameters = ["quiet", "loglevel=1", 'mote.exec="/test/suite vsock:1:1024 >/dev/console 2>&1"'];
    guest = Guest.boot({ initramfs: usualInitramfs(), parameters });
    results = await suiteResults(guest.console);
  }, hangLimit);
  afterAll(() => guest.dispose());

  test.each(allCases().map(({ name }) => name))("%s", (name) => {
    expect(results.get(name) ?? "the suite did not come to it").toBe("");
  });
});

describe("from both sides", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters: network }));
  const motectl = "/test/motectl --vsock 1:1024";

  test("motectl inside the guest: ping", async () => {
    expect(await at().output(`${motectl} ping`)).toMatch(/^vsock:1:1024: agent \S+, protocol 1, round trip /);
  });

  test("motectl inside the guest: run, outputs and the exit code", async () => {
    const { stdout, stderr, object } = await at().client.run(`${motectl} run -- 'echo out; echo err >&2; exit 7'`);
    expect([stdout.toString(), stderr.toString(), object.exit_code]).toEqual(["out\n", "err\n", 7]);
  });

  test("motectl inside the guest: put and get, 5 MB come back as they were", async () => {
    const content = noise(5 * MB);
    await at().client.put("/tmp/source", content, { mode: 0o640 });
    await at().output(`${motectl} put /tmp/source /tmp/there --mode 0711 && ${motectl} get /tmp/there /tmp/back`);
    expect(await at().output("sha256sum </tmp/back; stat -c %a /tmp/there")).toBe(`${sha256(content)}  -\n711\n`);
  });

  test("the host over TCP: run", async () => {
    const { stdout, object } = await at().client.run("echo $((6 * 7)); exit 3");
    expect([stdout.toString(), object.exit_code]).toEqual(["42\n", 3]);
  });

  test("the host over TCP: 20 MB up and down", async () => {
    const content = noise(20 * MB, 2);
    expect((await at().client.put("/tmp/large", content)).object).toEqual({ ok: true });
    expect(await at().output("sha256sum </tmp/large")).toBe(`${sha256(content)}  -\n`);
    expect(sha256((await at().client.get("/tmp/large")).content)).toBe(sha256(content));
  });

  test("poweroff in a command ends QEMU by itself", async () => {
    await at().client.open({ op: "run", v: 1, shell: "raw", cmd: "poweroff" });
    expect(await at().guest.ending()).toBe(0);
    expect(at().guest.console.position(/reboot: Power down/)).toBeGreaterThan(0);
  });
});
