// Kernel modules, and AF_VSOCK that comes late.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { booted, listening, network } from "./booted.ts";
import { hangLimit } from "./guest.ts";
import { agentPath, busyboxImage, loader, loaderModules, programs, usualInitramfs } from "./images.ts";
import { modules } from "./machine.ts";

setDefaultTimeout(hangLimit);

const pong = /^vsock:1:1024: agent /;

describe("modules, and no list of them", () => {
  const at = booted(() => ({ initramfs: usualInitramfs(), parameters: network }));

  test("L026: what the network and vsock need is loaded, in order of need", async () => {
    const loaded = (await at().file("/proc/modules")).split("\n").map((line) => line.split(" ")[0]);
    expect(loaded).toEqual(expect.arrayContaining(["virtio_net", "virtio_pci", "vsock", "vsock_loopback"]));
    expect((await at().client.run(`test -e /lib/modules/$(uname -r)/modules.dep`)).object.exit_code).toBe(1);
  });

  test("L026: CID 1, port 1024 answers", async () => {
    expect(await at().output("/test/motectl --vsock 1:1024 ping")).toMatch(pong);
  });
});

describe("no /lib/modules", () => {
  // The network's modules are loaded before, so that there is a way in.
  const preload = (): Buffer => loader([...modules.virtio, ...modules.net], `exec ${agentPath}`);
  const parameters = [...listening, "ip=10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off"];
  const at = booted(() => ({ initramfs: [busyboxImage(), programs(), preload()], parameters }));
  const insert = (names: readonly string[]): Promise<string> =>
    at().output(names.map((name) => `insmod ${loaderModules}/${name}.ko`).join(" && "));

  test("L027: TCP is served, and the log says once that vsock is not", async () => {
    // Tried again at least twice meanwhile.
    await at().output("sleep 3");
    const { console } = at().guest;
    expect(console.logged(/listening on tcp/).length).toBe(1);
    expect(console.logged(/listening on vsock/)).toEqual([]);
    expect(console.logged(/vsock/).length).toBe(1);
  });

  test("L029: once the core is there, so is the listener", async () => {
    await insert(modules.vsock);
    await at().guest.console.line(/listening on vsock:1024/);
  });

  test("L029: and with the loopback it answers", async () => {
    await insert(modules.loopback);
    expect(await at().output("/test/motectl --vsock 1:1024 ping")).toMatch(pong);
  });

  test("L030: the same listener answers when the guest's own transport comes", async () => {
    await insert(modules.transport);
    expect(await at().output("/test/motectl --vsock 1:1024 ping")).toMatch(pong);
    expect(at().guest.console.logged(/listening on vsock:1024/).length).toBe(1);
  });
});
