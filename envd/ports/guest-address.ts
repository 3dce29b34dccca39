/** The address by which hosts reach the guest; lifecycle.md 2.3. */
import { interfaceAddresses } from "../../sys/interface.ts";

/** What Wrenn's and E2B's hosts give every guest. */
const USUAL = "169.254.0.21";
const DEVICE = "eth0";
const LOOPBACK = "127.";

/** The usual address where an interface has it, else the first one of eth0; empty while there is none. Throws SysError. */
export function guestAddress(): string {
  let first = "";
  for (const entry of interfaceAddresses()) {
    if (entry.address === USUAL) return USUAL;
    if (first === "" && entry.name === DEVICE && !entry.address.startsWith(LOOPBACK)) first = entry.address;
  }
  return first;
}
