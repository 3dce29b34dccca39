/** Who is at the other end of a connection. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { close } from "./file.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const AF_VSOCK = 40;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOCKADDR_BYTES = 128;
/** struct sockaddr_vm, vsock(7). */
const CID_OFFSET = 8;
const HOST_CID = 2;

/**
 * Whether the peer is on this machine: by TCP where it has an address that a socket can be bound to here, which is true
 * of no other machine's; by AF_VSOCK where it is not the host; by AF_UNIX always.
 */
export function isPeerLocal(fd: number): boolean {
  const address = new Uint8Array(SOCKADDR_BYTES);
  const view = new DataView(address.buffer);
  const length = new Uint8Array([SOCKADDR_BYTES, 0, 0, 0]);
  // A peer that is gone is nobody's: better a program of this machine's than the host.
  if (call(Call.getpeername, fd, addressOf(address), addressOf(length)) < 0) return true;
  const family = view.getUint16(0, true);
  if (family === AF_VSOCK) return view.getUint32(CID_OFFSET, true) !== HOST_CID;
  if (family !== AF_INET && family !== AF_INET6) return true;
  // Any port.
  view.setUint16(2, 0);
  const probe = call(Call.socket, family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bound = call(Call.bind, probe, addressOf(address), new DataView(length.buffer).getUint32(0, true));
  close(probe);
  return bound >= 0;
}
