/** The neighbours that the kernel has learnt of, arp(7). */
import { addressOf, call } from "#libc";
import { parseIpv4 } from "./address.ts";
import { encodeText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { SysError } from "./errno.ts";
import { close } from "./file.ts";
import { readText } from "./text.ts";

const PATH = "/proc/net/arp";
/** The kernel keeps 1,024 of them, of 80 bytes a line. */
const TEXT_MAX = 1024 * 1024;
/** Flags of one that was learnt, and of one that is being asked for: neither permanent nor published. */
const DYNAMIC = ["0x2", "0x0"];
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCDARP = 0x8953;
/** struct arpreq: two sockaddr, flags, a mask, a device. */
const ARPREQ_BYTES = 68;
const ARPREQ_DEVICE = 52;

/** Forgets the dynamic IPv4 neighbours of a device: who has their addresses now is asked anew. What fails is left. */
export function forgetNeighbours(device: string): void {
  let table = "";
  try {
    table = readText(PATH, TEXT_MAX);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  const fd = call(Call.socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  // IP address, type, flags, address, mask, device.
  for (const line of table.split("\n")) {
    const fields = line.split(" ").filter((field) => field !== "");
    if (fields.at(5) !== device || !DYNAMIC.includes(fields.at(2) ?? "")) continue;
    const request = new Uint8Array(ARPREQ_BYTES);
    const address = parseIpv4(fields.at(0) ?? "");
    request[0] = AF_INET;
    for (let i = 0; i < address.length; i++) request[4 + i] = address.at(i) ?? 0;
    request.set(encodeText(device), ARPREQ_DEVICE);
    call(Call.ioctl, fd, SIOCDARP, addressOf(request));
  }
  close(fd);
}
