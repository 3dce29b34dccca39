// Network, keys and milestones: what the kernel's command line asks for beside mounts.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { booted, listening, network } from "./booted.ts";
import { Archive } from "./cpio.ts";
import { hangLimit } from "./guest.ts";
import { usualInitramfs } from "./images.ts";

setDefaultTimeout(hangLimit);

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMoteMoteMoteMoteMoteMoteMoteMoteMoteMoteMo test@host";

/** An sshd that says what it finds, and what makes the key that it needs. */
function withSshd(): Buffer {
  const said = "test -s /etc/ssh/ssh_host_ed25519_key && test -d /run/sshd && echo $* >/run/sshd/arguments";
  // Of its arguments the last one is the file.
  const keygen = 'for file; do :; done; echo "$*" >$file';
  return new Archive()
    .program("/usr/sbin/sshd", `#!/bin/sh\n${said}\nexec sleep 100000\n`)
    .program("/usr/bin/ssh-keygen", `#!/bin/sh\n${keygen}\n`)
    .directory("/etc/ssh")
    .bytes();
}

describe("ip= with every field, a key, profile smolvm", () => {
  const parameters = [
    ...network,
    "mote.profile=smolvm",
    `smolvm.authorized_key_b64=${Buffer.from(`${key}\n`).toString("base64")}`,
  ];
  const at = booted(() => ({ initramfs: [...usualInitramfs(), withSshd()], parameters }));

  test("L021: the address", async () => {
    expect(await at().output("ip -4 -o addr show eth0")).toContain("inet 10.0.2.15/24 ");
  });

  test("L021: the default route", async () => {
    expect(await at().output("ip route show default")).toContain("default via 10.0.2.2 dev eth0");
  });

  test("L021: the host name, also in /etc/hosts", async () => {
    expect(await at().output("hostname")).toBe("box\n");
    expect(await at().output("grep -cw box /etc/hosts")).toBe("1\n");
  });

  test("L021: the name server", async () => {
    expect(await at().output("cat /etc/resolv.conf")).toMatch(/^nameserver 10\.0\.2\.3$/m);
  });

  test("L031: the key is in place, for root's eyes only", async () => {
    expect((await at().output("cat ~root/.ssh/authorized_keys")).trim()).toBe(key);
    expect(await at().output("stat -c %a ~root/.ssh ~root/.ssh/authorized_keys")).toBe("700\n600\n");
  });

  const stages = [
    "init-start", "mounts-ready", "root-ready", "guest-agent-start", "guest-agent-started", "net-config-start",
    "net-config-done", "net-ready", "clock-sync-start", "clock-sync-(started|disabled)", "ssh-hostkey-check-start",
    "ssh-hostkey-check-done", "ssh-authkey-inject-start", "ssh-authkey-inject-done", "sshd-start", "sshd-invoked",
    "init-complete",
  ];

  const records = ["/run/smolvm/milestones.jsonl", "/run/smolvm/boot-milestones.jsonl"];
  test.each(records)("L032: %s has the stages in order", async (path) => {
    await at().guest.console.line(/stage=init-complete/);
    const lines = (await at().file(path)).trim().split("\n");
    const entries: { stage: string; epoch_s: number; uptime_s: number }[] = lines.map((line) => JSON.parse(line));
    expect(entries.map(({ stage }) => stage).join(" ")).toMatch(new RegExp(`^${stages.join(" ")}$`));
    const uptimes = entries.map(({ uptime_s }) => uptime_s);
    expect(uptimes).toEqual([...uptimes].sort((a, b) => a - b));
    for (const { epoch_s } of entries) expect(epoch_s).toBeGreaterThan(1_000_000_000);
  });

  test("L032: sshd runs, with a key of its own", async () => {
    expect(await at().output("until [ -s /run/sshd/arguments ]; do sleep 0.1; done; cat /run/sshd/arguments")).toBe("-D\n");
    expect(await at().output("cat /etc/ssh/ssh_host_ed25519_key")).toContain("ed25519");
  });

  test("L032: the console has them too", async () => {
    await at().guest.console.line(/SMOLVM_TS stage=init-complete/);
    expect(at().guest.console.matching(/SMOLVM_TS stage=init-complete epoch_s=[\d.]+ uptime_s=[\d.]+/).length).toBe(1);
  });
});

describe("ip= with empty fields, a key that is none", () => {
  const parameters = [
    ...listening,
    "ip=10.0.2.15:::255.255.255.0::eth0:off",
    "smolvm.authorized_key_b64=%%%not-base64%%%",
    "mote.cad=ignore",
  ];
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters }));

  test("L022: the address", async () => {
    expect(await at().output("ip -4 -o addr show eth0")).toContain("inet 10.0.2.15/24 ");
  });

  test("L022: no route", async () => {
    expect(await at().output("ip route")).not.toContain("default");
  });

  test("L031: there is no key, and a warning", async () => {
    expect((await at().client.run("test -e ~root/.ssh/authorized_keys")).object.exit_code).toBe(1);
    await at().guest.console.line(/mote: .*authorized_key/);
    expect(at().guest.console.logged(/authorized_key/).length).toBe(1);
  });

  test("L069: mote.cad=ignore: ctrl-alt-del is one line in the log", async () => {
    const before = at().guest.console.lines.length;
    await at().guest.pressCtrlAltDelete();
    await at().guest.console.line(/mote: ctrl-alt-del ignored/, before);
    await at().client.ping();
    expect(at().guest.console.logged(/./, before).length).toBe(1);
  });
});
