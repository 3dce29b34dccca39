/** What the firmware tells of the machine: ACPI tables in /sys/firmware. */
import { decodeText } from "./bytes.ts";
import { SysError } from "./errno.ts";
import { close, openForReading, read, stat } from "./file.ts";

/** Where the vendor's name lies in a table's header; ACPI specification 5.2.6, OEMID. */
const VENDOR_START = 10;
const VENDOR_END = 16;

/** Firecracker's name in its tables. */
const FIRECRACKER = "FIRECK";

/** Whether the tables are Firecracker's. Its older versions have none. */
export function isFirecracker(): boolean {
  return acpiVendor() === FIRECRACKER;
}

/** Whether the machine has ACPI. */
export function hasAcpi(): boolean {
  try {
    stat("/sys/firmware/acpi");
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false;
  }
}

/** The vendor's name in the main ACPI table, six characters; empty where there is none that can be read. */
function acpiVendor(): string {
  const header = new Uint8Array(VENDOR_END);
  try {
    const fd = openForReading("/sys/firmware/acpi/tables/DSDT");
    const length = read(fd, header, 0, VENDOR_END);
    close(fd);
    return length === VENDOR_END ? decodeText(header, VENDOR_START, VENDOR_END) : "";
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return "";
  }
}
