// The time of a request to /init: which ones are late, and the guest's clock; envd-http.md 5.4 and 8.5.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { hangLimit } from "../agent.ts";
import { needsStep } from "../../envd/clock-step.ts";
import { parseTimestamp } from "../../envd/timestamp.ts";
import { Time } from "../../sys/clock.ts";
import { until } from "../until.ts";
import { Daemon } from "./daemon.ts";

setDefaultTimeout(hangLimit);

function nanoseconds(text: string): bigint | undefined {
  const instant = parseTimestamp(text);
  return instant === undefined ? undefined : BigInt(instant.seconds) * 1_000_000_000n + BigInt(instant.nanoseconds);
}

describe("the text", () => {
  test.each([
    ["2026-01-02T03:04:05Z", 1767323045000000000n],
    ["2026-01-02T03:04:05.123456789Z", 1767323045123456789n],
    ["2026-01-02T05:04:05.123456789+02:00", 1767323045123456789n],
    ["2026-01-02T03:04:05.1234567891Z", 1767323045123456789n],
    ["1969-12-31T23:59:59Z", -1000000000n],
    ["1970-01-01T00:00:00.5Z", 500000000n],
    ["1969-12-31T23:59:59.25Z", -750000000n],
    ["2024-02-29T23:59:59-23:59", 1709337539n * 1000000000n],
    ["0000-01-01T00:00:00Z", -62167219200n * 1000000000n],
    ["9999-12-31T23:59:59.999999999Z", 253402300799999999999n],
    [`2026-01-02T03:04:05.${"0".repeat(100_000)}Z`, 1767323045000000000n],
  ])("%s", (text, value) => expect(nanoseconds(text)).toBe(value));

  test.each([
    "1767323045", "2026-01-02 03:04:05Z", "2026-01-02t03:04:05z", "2026-01-02T03:04:05z", "", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:60Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-1-02T03:04:05Z",
    "2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+00:60", "2026-01-02T03:04:05Zx",
    "x2026-01-02T03:04:05Z", "+026-01-02T03:04:05Z", "2026-01-02T03:04:05 Z", "２026-01-02T03:04:05Z", "2026-01-02T03:04:05+02:00:00",
  ])("%p is none", (text) => expect(nanoseconds(text)).toBeUndefined());

  test("any moment, in any zone, to the nanosecond", () => {
    const moments = fc.date({ min: new Date("0001-01-02T00:00:00Z"), max: new Date("9999-12-30T00:00:00Z"), noInvalidDate: true });
    fc.assert(fc.property(moments, fc.integer({ min: -1439, max: 1439 }), fc.integer({ min: 0, max: 999_999_999 }), (date, zone, fraction) => {
      const seconds = Math.floor(date.getTime() / 1000);
      const local = new Date((seconds + zone * 60) * 1000).toISOString().slice(0, 19);
      const two = (n: number): string => `${n}`.padStart(2, "0");
      const ahead = Math.abs(zone);
      const offset = `${zone < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`;
      const text = `${local}.${`${fraction}`.padStart(9, "0")}${offset}`;
      return nanoseconds(text) === BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
    }));
  });

  test("garbage is refused, and nothing worse", () => {
    fc.assert(fc.property(fc.string(), (text) => nanoseconds(text) === undefined));
    const near = fc.array(fc.constantFrom(..."0123456789-+:.TZ "), { maxLength: 40 }).map((parts) => parts.join(""));
    fc.assert(fc.property(near, (text) => nanoseconds(text) === undefined || !Number.isNaN(Date.parse(text.replace(/(\.\d{3})\d*/, "$1")))));
  });
});

describe("which are late", () => {
  const first = "2026-01-02T03:04:05.123456789Z";
  let daemon: Daemon;
  let count = 0;
  beforeAll(async () => {
    daemon = await Daemon.start();
  });
  afterAll(() => daemon.dispose());

  /** Whether a request of this time is applied. */
  async function isApplied(timestamp?: string): Promise<boolean> {
    count += 1;
    const response = await daemon.init({ ...(timestamp === undefined ? {} : { timestamp }), envVars: { N: `${count}` } });
    expect(response.status).toBe(204);
    expect(response.headers.get("x-envd-version")).not.toBeNull();
    return (await daemon.envs()).N === `${count}`;
  }

  test("INI-29: before 1970", async () => {
    expect(await isApplied("1969-12-31T23:59:59.999999999Z")).toBe(false);
    expect(await isApplied("1970-01-01T00:00:00Z")).toBe(true);
  });

  test("INI-23, INI-24, L181: one nanosecond earlier is, the same moment is not", async () => {
    expect(await isApplied(first)).toBe(true);
    expect(await isApplied("2026-01-02T03:04:05.123456788Z")).toBe(false);
    expect(await isApplied(first)).toBe(true);
  });

  test("INI-26: nor the same moment elsewhere", async () => {
    expect(await isApplied("2026-01-02T05:04:05.123456789+02:00")).toBe(true);
    expect(await isApplied("2026-01-01T21:34:05.123456788-05:30")).toBe(false);
    expect(await isApplied(first)).toBe(true);
  });

  test("INI-25: a nanosecond later is applied, and then the first one is late", async () => {
    expect(await isApplied("2026-01-02T03:04:05.123456790Z")).toBe(true);
    expect(await isApplied(first)).toBe(false);
  });

  test("INI-27: digits beyond the ninth are dropped", async () => {
    expect(await isApplied("2026-01-02T03:04:05.1234567909Z")).toBe(true);
    expect(await isApplied("2026-01-02T03:04:05.123456790Z")).toBe(true);
  });

  test.each(['"1767323045"', '"2026-01-02 03:04:05Z"', '"2026-01-02t03:04:05z"', "1767323045", '""', '"2026-01-02T03:04:60Z"', "{}"])("INI-28: %s is no time", async (text) => {
    const response = await daemon.init(`{"timestamp":${text},"envVars":{"N":"x"}}`);
    expect([response.status, await response.text()]).toEqual([400, ""]);
    expect((await daemon.envs()).N).not.toBe("x");
  });

  test("INI-31: one of no time is applied always, and changes nothing about the others", async () => {
    expect(await isApplied("9999-12-31T23:59:59Z")).toBe(true);
    expect(await isApplied()).toBe(true);
    expect(await isApplied("2027-01-01T00:00:00Z")).toBe(false);
    expect(await isApplied("9999-12-31T23:59:59Z")).toBe(true);
  });
});

describe("the clock", () => {
  // Without this capability the kernel refuses, and the clock of this machine stays as it is.
  const launcher = ["setpriv", "--bounding-set=-sys_time,-net_admin", "--inh-caps=-sys_time"];
  const far = "2001-02-03T04:05:06Z";
  const refused = "clock_settime: Operation not permitted";

  test.each([
    ["60 ms behind", 60_000_000, true], ["50 ms behind", 50_000_000, false], ["50 ms and 1 ns behind", 50_000_001, true], ["exact", 0, false],
    ["5 s ahead", -5_000_000_000, false], ["5 s and 1 ns ahead", -5_000_000_001, true], ["6 s ahead", -6_000_000_000, true],
  ])("INI-32, L180: a guest %s", (_, behind, isSet) => {
    for (const start of [0n, 999_999_999n, 500_000_000n]) {
      const host = 1767323045n * 1_000_000_000n + start;
      const guest = host - BigInt(behind);
      const instant = (ns: bigint): Time => new Time(Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n));
      expect(needsStep(instant(guest), instant(host), 50e6, 5e9)).toBe(isSet);
    }
  });

  test.each([false, true])("INI-32, L179: is set by a request that is applied, where the guest is far off; supervised %p", (isSupervised) =>
    Daemon.with({ args: [], launcher, isSupervised }, async (daemon) => {
      expect((await daemon.init({ timestamp: new Date().toISOString() })).status).toBe(204);
      expect(daemon.stderr).not.toContain(refused);
      expect((await daemon.init({ timestamp: far })).status).toBe(204);
      expect(daemon.stderr).not.toContain(refused);
      expect((await daemon.init({ timestamp: "2099-02-03T04:05:06Z", envVars: { A: "1" } })).status).toBe(204);
      await until("it is refused", 5, () => daemon.stderr.includes(refused));
      expect((await daemon.envs()).A).toBe("1");
    }));

  test.each([false, true])("INI-33: is not touched outside a microVM; supervised %p", (isSupervised) =>
    Daemon.with({ launcher, isSupervised }, async (daemon) => {
      expect((await daemon.init({ timestamp: "2099-02-03T04:05:06Z", envVars: { A: "1" } })).status).toBe(204);
      expect((await daemon.envs()).A).toBe("1");
      expect(daemon.stderr).not.toContain("clock");
    }));
});
