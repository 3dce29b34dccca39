// The services of an init, the ssh key and the boot milestones: the agent as PID 1 of its own namespaces.

import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { inside } from "../namespace.ts";
import { until } from "../until.ts";
import { defaultRoutes, DEVICE, ipv4, logged, outside, script, TEST_MS, WAIT_SECONDS, withInit } from "./booting.ts";

describe("the ssh key", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJc6eP6m7R1nXvSg3xJ5o6Q0t8fC2mX0l2d0F5bV8bqk user@host";

  test("L031 that is base64 of a key line is authorized", () => {
    const base64 = Buffer.from(line).toString("base64");
    return withInit({ commandLine: `smolvm.authorized_key_b64=${base64}` }, async (namespace) => {
      const path = outside(namespace, "/root/.ssh/authorized_keys");
      await until("the key is there", WAIT_SECONDS, () => existsSync(path));
      expect(namespace.read("/root/.ssh/authorized_keys")).toBe(`${line}\n`);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(outside(namespace, "/root/.ssh")).mode & 0o777).toBe(0o700);
    });
  }, TEST_MS);

  test("L031 that is not is a warning, and no file", () => {
    const base64 = `${Buffer.from(line).toString("base64").slice(1)}!`;
    return withInit({ commandLine: `smolvm.authorized_key_b64=${base64}` }, async (namespace) => {
      await logged(namespace, "smolvm.authorized_key_b64: not base64");
      expect(namespace.stderr).not.toContain(base64);
      expect(existsSync(outside(namespace, "/root/.ssh/authorized_keys"))).toBe(false);
    });
  }, TEST_MS);
});

test("a service of mote.exec is started once, and its end is logged", () => {
  return withInit({ commandLine: `"mote.exec=echo x >>${inside}/runs; exit 7" mote.exec=true` }, async (namespace) => {
    await logged(namespace, "exit code 7");
    await logged(namespace, "exit code 0: true");
    await namespace.client.ping();
    expect(namespace.read(`${inside}/runs`)).toBe("x\n");
    expect(namespace.stderr.split("exit code 7")).toHaveLength(2);
  });
}, TEST_MS);

describe("profile smolvm", () => {
  const stages = [
    "init-start", "mounts-ready", "root-ready", "guest-agent-start", "guest-agent-started", "net-config-start",
    "net-config-done", "net-ready", "clock-sync-start", "clock-sync-disabled", "ssh-hostkey-check-start",
    "ssh-hostkey-check-done", "ssh-authkey-inject-start", "ssh-authkey-inject-done",
  ];
  const sshStages = ["sshd-start", "sshd-invoked"];

  function stagesIn(text: string): string[] {
    let last = 0;
    return text.trimEnd().split("\n").map((line) => {
      const record: { stage: string; epoch_s: number; uptime_s: number } = JSON.parse(line);
      expect(Object.keys(record)).toEqual(["stage", "epoch_s", "uptime_s"]);
      expect(record.uptime_s).toBeGreaterThanOrEqual(last);
      expect(Math.abs(record.epoch_s - Date.now() / 1000)).toBeLessThan(60);
      last = record.uptime_s;
      return record.stage;
    });
  }

  async function boot(setup: string, expected: string[]): Promise<void> {
    const console = "touch $ROOT/dev/console; : >$ROOT/var/log/smolvm-boot.log";
    // The log would go to that console.
    const args = ["--listen", `unix:${inside}/agent.sock`, "--log-to", "stderr"];
    const options = { name: "smolvm-guest-agent", args, setup: `${DEVICE}\n${console}\n${setup}` };
    await withInit(options, async (namespace) => {
      const isComplete = (): boolean => namespace.read("/var/log/smolvm-boot.log").includes("init-complete");
      await until("the boot is complete", WAIT_SECONDS, isComplete);
      expect(stagesIn(namespace.read("/run/smolvm/milestones.jsonl"))).toEqual(expected);
      expect(namespace.read("/run/smolvm/boot-milestones.jsonl")).toBe(namespace.read("/run/smolvm/milestones.jsonl"));
      const lines = namespace.read("/var/log/smolvm-boot.log");
      expect(lines).toMatch(/^(SMOLVM_TS stage=[a-z-]+ epoch_s=[0-9]+\.[0-9]{3} uptime_s=[0-9]+\.[0-9]{3}\n)+$/);
      expect(lines.split("\n").slice(0, -1).map((line) => line.split(/[ =]/)[2] ?? "")).toEqual(expected);
      expect(namespace.read("/dev/console")).toContain("SMOLVM_TS stage=init-complete ");
      expect(await ipv4(namespace)).toEqual(["172.16.0.2/24"]);
      expect(await defaultRoutes(namespace)).toEqual(["172.16.0.1 eth0"]);
      const servers = ["172.16.0.1", "8.8.8.8", "8.8.4.4"];
      expect(namespace.read("/etc/resolv.conf")).toBe(servers.map((server) => `nameserver ${server}\n`).join(""));
      if (setup !== "") await until("sshd runs", WAIT_SECONDS, () => existsSync(namespace.path("sshd")));
    });
  }

  test("L032 the stages, in order; those of sshd only where there is one", () => {
    return boot("", [...stages, "init-complete"]);
  }, TEST_MS);

  test("L032 with an sshd: a host key is made, then it is started", () => {
    const body = `test -s /etc/ssh/ssh_host_ed25519_key && test -d /run/sshd && touch ${inside}/sshd; exec sleep 60`;
    const setup = `mkdir -p $ROOT/etc/ssh; ${script("/usr/sbin/sshd", body)}`;
    return boot(setup, [...stages, ...sshStages, "init-complete"]);
  }, TEST_MS);
});
