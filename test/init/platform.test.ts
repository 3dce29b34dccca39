// Which command of reboot(2) ends which platform: every row of the table of lifecycle 1.11.

import { expect, test } from "bun:test";
import { chooseReboot, Platform, StopChoice, StopWish } from "../../init/platform.ts";
import { Reboot } from "../../sys/machine.ts";

const AUTO = StopWish.AUTO;
const POWEROFF = StopWish.POWEROFF;
const REBOOT = StopWish.REBOOT;
const AUTOBOOT = Reboot.AUTOBOOT;
const POWER_OFF = Reboot.POWER_OFF;

interface Facts {
  readonly isX86?: boolean;
  readonly hasAcpi?: boolean;
  readonly isFirecracker?: boolean;
  readonly isReset?: boolean;
}

function platform({ isX86 = true, hasAcpi = true, isFirecracker = false, isReset = false }: Facts): Platform {
  return new Platform(isX86, hasAcpi, isFirecracker, isReset);
}

// Platform, then what is chosen for AUTO, POWEROFF and REBOOT.
const rows: [string, Facts, [Reboot, Reboot, Reboot]][] = [
  ["Firecracker, x86, without ACPI", { hasAcpi: false, isFirecracker: true, isReset: true }, [AUTOBOOT, AUTOBOOT, AUTOBOOT]],
  ["Firecracker, x86, with ACPI", { isFirecracker: true, isReset: true }, [AUTOBOOT, AUTOBOOT, AUTOBOOT]],
  ["Firecracker, x86, without reboot=k", { isFirecracker: true }, [AUTOBOOT, AUTOBOOT, AUTOBOOT]],
  ["Firecracker, aarch64", { isX86: false, hasAcpi: false, isFirecracker: true, isReset: true }, [POWER_OFF, POWER_OFF, AUTOBOOT]],
  ["QEMU with ACPI", {}, [POWER_OFF, POWER_OFF, AUTOBOOT]],
  ["QEMU with ACPI, reboot=k", { isReset: true }, [AUTOBOOT, POWER_OFF, AUTOBOOT]],
  ["QEMU, acpi=off", { hasAcpi: false }, [AUTOBOOT, AUTOBOOT, AUTOBOOT]],
  ["QEMU virt, aarch64", { isX86: false, hasAcpi: false }, [POWER_OFF, POWER_OFF, AUTOBOOT]],
];

test.each(rows)("%s", (_name, facts, [auto, poweroff, reboot]) => {
  const on = platform(facts);
  expect([AUTO, POWEROFF, REBOOT].map((wish) => chooseReboot(wish, on))).toEqual([auto, poweroff, reboot]);
});

test("a signal's wish goes before the standing one, which goes before the platform", () => {
  const standing = new StopChoice(REBOOT, platform({}));
  expect(standing.command(AUTO)).toBe(AUTOBOOT);
  expect(standing.command(POWEROFF)).toBe(POWER_OFF);
  expect(new StopChoice(AUTO, platform({})).command(AUTO)).toBe(POWER_OFF);
  expect(new StopChoice(POWEROFF, platform({ isReset: true })).command(AUTO)).toBe(POWER_OFF);
  expect(new StopChoice(POWEROFF, platform({ hasAcpi: false })).command(AUTO)).toBe(AUTOBOOT);
});

test.each([
  ["k", true],
  ["t,k", true],
  ["kbd,force", true],
  ["", false],
  ["t", false],
  ["panic_warm,acpi", false],
])("reboot=%s asks for the keyboard controller: %p", (reboot, expected) => {
  expect(Platform.read(reboot, "").isReset).toBe(expected);
});

test("without a PCI bus it is Firecracker", () => {
  expect(Platform.read("", "off").isFirecracker).toBe(true);
  expect(Platform.read("", "noaer,off").isFirecracker).toBe(true);
});
