/** What the two architectures differ in: numbers of system calls that libc has no function for. */
import { addressOf, call } from "#libc";
import { stringAt } from "./bytes.ts";
import { Call } from "./calls.ts";

/** The length of a field of struct utsname, uname(2). */
const FIELD_BYTES = 65;
const RELEASE = 2;
const MACHINE = 4;

function utsname(field: number): string {
  const buffer = new Uint8Array(6 * FIELD_BYTES);
  call(Call.uname, addressOf(buffer), 0, 0);
  return stringAt(addressOf(buffer) + field * FIELD_BYTES);
}

/** The kernel's release, as `uname -r` prints it. */
export function kernelRelease(): string {
  return utsname(RELEASE);
}

/** Whether this is an x86: what the kernel calls x86_64. */
export function isX86(): boolean {
  return utsname(MACHINE) === "x86_64";
}
