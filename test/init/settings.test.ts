import { expect, test } from "bun:test";
import fc from "fast-check";
import { CommandLine } from "../../init/cmdline.ts";
import { profileOf } from "../../init/profile.ts";
import { StopWish } from "../../init/platform.ts";
import { Settings, TmpKind } from "../../init/settings.ts";

function settings(cmdline: string, program = "init"): Settings {
  return Settings.from(undefined, profileOf(program), CommandLine.parse(cmdline));
}

/** Everything as it is to be compared, without the profile. */
function everything(cmdline: string): Record<string, unknown> {
  const { profile: _, listen, ...rest } = settings(cmdline);
  return { ...rest, listen: listen.map((address) => address.text) };
}

test("nothing said", () => {
  expect(everything("")).toEqual({
    listen: [], hostname: "", tmp: TmpKind.DISK, tmpSize: "", isRootReadOnly: false, exec: [], stop: StopWish.AUTO,
    graceMs: 1500, isCadIgnored: false, logTarget: "kmsg", logLevel: "", ip: undefined, network: "", authorizedKey: "",
    reboot: "", panic: "", pci: "", hasDevkmsg: false, mmds: "auto", forward: "auto", cgroups: "auto", warnings: [],
  });
});

test("everything said", () => {
  const cmdline = [
    "mote.profile=e2b mote.listen=vsock:7 mote.listen=tcp:127.0.0.1:80 mote.hostname=box mote.tmp=tmpfs:16m mote.root=ro",
    'mote.mmds=off mote.forward=on mote.cgroups=off mote.exec="sleep 1" mote.exec=true mote.stop=reboot mote.grace_ms=0',
    "mote.cad=ignore mote.log=/var/log/x mote.loglevel=error ip=1.2.3.4:::::: smolvm.network=guest",
    "smolvm.authorized_key_b64=eA== reboot=k panic=1 pci=off printk.devkmsg=off quiet rw",
  ].join(" ");
  expect(settings(cmdline).profile).toEqual(profileOf("/usr/bin/envd"));
  expect(everything(cmdline)).toEqual({
    listen: ["vsock:7", "tcp:127.0.0.1:80"], hostname: "box", tmp: TmpKind.TMPFS, tmpSize: "16m", isRootReadOnly: true,
    exec: ["sleep 1", "true"], stop: StopWish.REBOOT, graceMs: 0, isCadIgnored: true, logTarget: "/var/log/x",
    logLevel: "error", ip: "1.2.3.4::::::", network: "guest", authorizedKey: "eA==", reboot: "k", panic: "1", pci: "off",
    hasDevkmsg: true, mmds: "off", forward: "on", cgroups: "off", warnings: [],
  });
});

test.each([
  "mote.", "mote.foo", "mote.foo=1", "mote.profile=x", "mote.profile", "mote.listen=nowhere", "mote.listen", "mote.hostname=",
  "mote.hostname=a/b", `mote.hostname=${"x".repeat(65)}`, "mote.tmp=ram", "mote.tmp=tmpfs:", "mote.tmp=tmpfs:1,exec",
  "mote.tmp=tmpfs:k", "mote.root=rx", "mote.exec=", "mote.exec", "mote.stop=halt", "mote.grace_ms=1s", "mote.grace_ms=-1",
  "mote.grace_ms=1000000", "mote.cad=", "mote.log=syslog", "mote.loglevel=7", "mote.mmds=yes", "mote.forward=", "mote.cgroups=on",
])("%s is one warning and changes nothing", (word) => {
  const { warnings, ...rest } = settings(word);
  const { warnings: none, ...usual } = settings("");
  expect(rest).toEqual(usual);
  expect(none).toEqual([]);
  expect(warnings.length).toBe(1);
  expect(warnings[0]).toContain(word);
});

test("the last of them counts, unless it is malformed", () => {
  expect(settings("mote.stop=poweroff mote.stop=reboot mote.stop=x").stop).toBe(StopWish.REBOOT);
  expect(settings("mote.tmp=tmpfs:1m mote.tmp=tmpfs").tmpSize).toBe("");
  expect(settings("mote.tmp=tmpfs mote.tmp=disk").tmp).toBe(TmpKind.DISK);
});

test.each([
  ["", false], ["ro", true], ["rw", false], ["ro rw", false], ["rw ro", false], ["ro mote.root=rw", false], ["rw mote.root=ro", true],
])("root, %j: read-only %p", (cmdline, isReadOnly) => {
  expect(settings(cmdline).isRootReadOnly).toBe(isReadOnly);
});

test.each([
  ["", "wrenn-init", "capsule"],
  ["ip=1.2.3.4::5.6.7.8:255.255.255.0:box:eth0:off", "wrenn-init", "box"],
  ["ip=1.2.3.4::5.6.7.8:255.255.255.0:off:eth0:off", "wrenn-init", "capsule"],
  ["ip=1.2.3.4:::255.255.255.0::eth0:off", "init", ""],
  ["ip=1.2.3.4", "smolvm-guest-agent", "smolvm"],
  ["ip=dhcp", "init", ""],
  ["mote.hostname=mine ip=::::box", "wrenn-init", "mine"],
  ["mote.profile=smolvm", "wrenn-init", "smolvm"],
  ["", "/usr/bin/envd", ""],
])("%j as %s is called %j", (cmdline, program, hostname) => {
  expect(settings(cmdline, program).hostname).toBe(hostname);
});

test("a profile that was chosen counts, with all that comes with it", () => {
  const all = Settings.from(profileOf("wrenn-init"), profileOf("smolvm-guest-agent"), CommandLine.parse("mote.profile=e2b"));
  expect([all.profile.name, all.hostname, all.tmp]).toEqual(["wrenn", "capsule", TmpKind.TMPFS]);
});

test.each([
  ["wrenn-init", TmpKind.TMPFS], ["/usr/bin/envd", TmpKind.UNTOUCHED], ["smolvm-guest-agent", TmpKind.DISK], ["init", TmpKind.DISK],
])("/tmp of %s", (program, tmp) => {
  expect(settings("", program).tmp).toBe(tmp);
});

test.each([
  ["", ""], ["quiet", "warn"], ["debug", "debug"], ["quiet debug", "debug"], ["loglevel=1", "warn"], ["loglevel=7", ""],
  ["loglevel=8", "debug"], ["loglevel=x", ""], ["quiet mote.loglevel=info", "info"],
])("%j logs at %j", (cmdline, level) => {
  expect(settings(cmdline).logLevel).toBe(level);
});

// Of lifecycle.md 1.7.
test("Wrenn's command line", () => {
  const all = settings(
    "console=ttyS0 reboot=k panic=1 pci=off quiet loglevel=1 clocksource=kvm-clock init=/usr/local/bin/wrenn-init "
      + "ip=169.254.0.21::169.254.0.22:255.255.255.252:capsule:eth0:off\n",
    "/usr/local/bin/wrenn-init",
  );
  expect([all.reboot, all.pci, all.logLevel, all.hostname, all.tmp, all.warnings]).toEqual(["k", "off", "warn", "capsule", TmpKind.TMPFS, []]);
});

test("other words are never a warning, any mote. word is at most one", () => {
  const word = fc.string({ unit: fc.constantFrom("mote.", "smolvm.", "exec", "tmp", "root", "=", "x", "1", '"', " ", ":") });
  fc.assert(fc.property(word, (cmdline) => {
    const known = CommandLine.parse(cmdline).parameters.filter((parameter) => parameter.name.startsWith("mote."));
    expect(settings(cmdline).warnings.length).toBeLessThanOrEqual(known.length);
  }));
});
