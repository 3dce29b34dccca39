// The service files of images/: what they must say, and what systemd's own verifier says of them.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { remove, scratchDirectory } from "../scratch.ts";
import { makeDirectory, openrc, systemd } from "./roots.ts";
import { agentBinary, bake, run } from "./scripts.ts";

setDefaultTimeout(60_000);

const directory = scratchDirectory();
afterAll(() => remove(directory));

const profiles: [string, string, string][] = [
  ["smolvm", "mote", "/usr/local/bin/smolvm-guest-agent"],
  ["wrenn", "envd", "/usr/local/bin/envd"],
  ["e2b", "envd", "/usr/bin/envd"],
  ["generic", "mote", "/usr/local/bin/mote"],
];

writeFileSync(join(directory, "fuse"), "");

/** `Section.Key` to value, of a file that names no key twice. */
function settings(unit: string): Record<string, string> {
  const found: Record<string, string> = {};
  let section = "";
  for (const line of readFileSync(unit, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const header = /^\[(\w+)\]$/.exec(line);
    const pair = /^(\w+)=(.*)$/.exec(line);
    if (header !== null) section = header[1] ?? "";
    else if (pair === null) throw new Error(`${unit}: ${line}`);
    else if (found[`${section}.${pair[1]}`] !== undefined) throw new Error(`${unit} names ${pair[1]} twice`);
    else found[`${section}.${pair[1]}`] = pair[2] ?? "";
  }
  return found;
}

describe.each(profiles)("L207: systemd, profile %s", (profile, name, command) => {
  const root = join(directory, `systemd-${profile}`);
  const unit = join(root, `etc/systemd/system/${name}.service`);
  beforeAll(async () => {
    makeDirectory(root, systemd);
    const { code, stderr } = await bake(root, "--profile", profile, "--binary", agentBinary);
    if (code !== 0) throw new Error(stderr);
  });

  test("the unit says what it must", () => {
    expect(settings(unit)).toMatchObject({
      "Unit.DefaultDependencies": "no",
      "Unit.Conflicts": "shutdown.target",
      "Unit.Before": "shutdown.target",
      "Unit.StartLimitIntervalSec": "0",
      "Service.Type": "exec",
      "Service.ExecStart": command,
      "Service.Restart": "always",
      "Service.User": "root",
      "Service.Delegate": "yes",
      "Service.KillMode": "process",
      "Service.OOMPolicy": "continue",
      "Service.OOMScoreAdjust": "-1000",
      "Service.Nice": "-20",
      "Service.IOSchedulingClass": "realtime",
      "Service.IOSchedulingPriority": "4",
      "Service.MemoryMin": "50M",
      "Service.MemoryLow": "100M",
      "Service.CPUWeight": "1000",
      "Service.IOWeight": "10000",
      "Install.WantedBy": "multi-user.target",
    });
    const after = settings(unit)["Unit.After"]?.split(" ");
    const first = ["local-fs.target", "systemd-remount-fs.service", "systemd-tmpfiles-setup.service"];
    expect(after).toEqual(expect.arrayContaining([...first, "systemd-journald.socket"]));
    expect(settings(unit)["Service.LimitCORE"]).toBeUndefined();
  });

  /** Everything that systemd-analyze has to say. */
  async function verdict(): Promise<{ code: number | null; said: string }> {
    const words = ["verify", `--root=${root}`, "--man=no", `${name}.service`];
    const { code, stdout, stderr } = await run(["systemd-analyze", ...words]);
    return { code, said: stdout + stderr };
  }

  test("systemd's verifier is silent", async () => {
    expect(await verdict()).toEqual({ code: 0, said: "" });
  });

  test("and would not be of a mistake", async () => {
    const good = readFileSync(unit, "utf8");
    try {
      writeFileSync(unit, good.replace("OOMPolicy=continue", "OOMPolicy=maybe"));
      expect((await verdict()).said).toContain("OOM policy");
      writeFileSync(unit, good.replace(command, "/usr/bin/gone"));
      expect((await verdict()).said).toContain("/usr/bin/gone");
    } finally {
      writeFileSync(unit, good);
    }
  });
});

describe.each(profiles)("L207: OpenRC, profile %s", (profile, name, command) => {
  const root = join(directory, `openrc-${profile}`);
  const service = join(root, `etc/init.d/${name}`);
  beforeAll(async () => {
    makeDirectory(root, openrc);
    const { code, stderr } = await bake(root, "--profile", profile, "--binary", agentBinary);
    if (code !== 0) throw new Error(stderr);
  });

  /** What the service sets and asks for, by sourcing it as openrc-run does. */
  async function sourced(expression: string, functions = ""): Promise<string> {
    const { code, stdout, stderr } = await run(["sh", "-euc", `${functions}\n. "$0"\n${expression}`, service]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  test("the service says what it must", async () => {
    expect(readFileSync(service, "utf8")).toStartWith("#!/sbin/openrc-run\n");
    const variables = '"$supervisor|$command|$respawn_delay|$respawn_max|$supervise_daemon_args"';
    expect(await sourced(`echo ${variables}`)).toBe(
      `supervise-daemon|${command}|1|0|--nicelevel -20 --ionice 1:4 --oom-score-adj -1000\n`,
    );
  });

  test("it needs local file systems, comes after bootmisc, and only uses the network", async () => {
    const functions = "need() { echo need $*; }; after() { echo after $*; }; use() { echo use $*; }";
    expect(await sourced("depend", functions)).toBe("need localmount\nafter bootmisc\nuse net\n");
  });

  test("it opens /dev/fuse to all where it is, and starts where it is not", async () => {
    chmodSync(join(directory, "fuse"), 0o600);
    const [present, absent] = [join(directory, "fuse"), join(directory, "no-fuse")];
    for (const fuse of [present, absent]) {
      await sourced(`eval "$(sed -n '/^start_pre/,/^}/p' "$0" | sed "s|/dev/fuse|${fuse}|g")"; start_pre`);
    }
    expect(statSync(present).mode & 0o777).toBe(0o666);
    expect(existsSync(absent)).toBe(false);
  });
});
