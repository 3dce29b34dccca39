import { expect, test } from "bun:test";
import { profileByName, profileOf } from "../../init/profile.ts";

test.each([
  ["/usr/local/bin/smolvm-guest-agent", "smolvm"],
  ["smolvm-guest-agent", "smolvm"],
  ["/usr/local/bin/wrenn-init", "wrenn"],
  ["/usr/local/bin/envd", "wrenn"],
  ["envd", "wrenn"],
  ["/usr/bin/envd", "e2b"],
  ["/init", "generic"],
  ["/sbin/init", "generic"],
  ["/usr/bin/envd.next", "generic"],
  ["/wrenn-init/mote", "generic"],
  ["mote", "generic"],
  ["", "generic"],
])("%j is of profile %s", (program, name) => {
  expect(profileOf(program).name).toBe(name);
});

test("what the profiles have", () => {
  const rows = ["generic", "smolvm", "wrenn", "e2b"].map((name) => {
    const profile = profileByName(name);
    return [profile?.name, profile?.hostname, profile?.hasTmpfs, profile?.hasEnvd];
  });
  expect(rows).toEqual([
    ["generic", "", false, false],
    ["smolvm", "smolvm", false, false],
    ["wrenn", "capsule", true, true],
    ["e2b", "", false, true],
  ]);
});

test.each(["", "Wrenn", "init"])("%j names none", (name) => {
  expect(profileByName(name)).toBeUndefined();
});
