// Debian as a guest of SmolVM's: the agent is its init, and starts the sshd that it finds.

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { remove, scratchDirectory } from "../../scratch.ts";
import { booted, network } from "../booted.ts";
import { agentPath, diskCopy, diskLoader } from "../images.ts";

setDefaultTimeout(480_000);

const directory = scratchDirectory();
afterAll(() => remove(directory));

describe("Debian, profile smolvm", () => {
  // What stands for the program says how it was called.
  const commands = [
    "mkdir -p /newroot/usr/sbin",
    `printf '%s\\n' '#!/bin/sh' 'echo "$*" >/run/sshd/arguments' 'exec sleep 100000' >/newroot/usr/sbin/sshd`,
    "chmod 755 /newroot/usr/sbin/sshd",
  ];
  const parameters = [...network, "mote.profile=smolvm"];
  const at = booted(() => ({
    initramfs: diskLoader(agentPath, "rw", commands),
    disks: [diskCopy(directory, "debian/debian-x86_64.ext4")],
    memory: 512,
    parameters,
  }));

  test("L203: it boots from ext4 behind an initramfs that loads the modules, to a ping and a command", async () => {
    await at().client.ping();
    expect(await at().output("stat -f -c %T /; . /etc/os-release; echo $ID; readlink /proc/1/exe")).toBe("ext2/ext3\ndebian\n/usr/local/bin/mote\n");
  });

  test("L203: sshd is started", async () => {
    expect(await at().output("until [ -s /run/sshd/arguments ]; do sleep 0.1; done; cat /run/sshd/arguments")).toBe("-D\n");
    await at().guest.console.line(/SMOLVM_TS stage=init-complete/);
  });

  test("it ends in order", async () => {
    await at().guest.pressCtrlAltDelete();
    expect(await at().guest.ending()).toBe(0);
  });
});
