/** Listening addresses: what to say of one that cannot be served. */
import { type Address, Family } from "../sys/address.ts";
import { Errno, type SysError } from "../sys/errno.ts";

/** Why an address cannot be listened on, and what to do. */
export function listenErrorText(address: Address, error: SysError): string {
  const isMissing = error.call === "socket" && error.errno === Errno.EAFNOSUPPORT;
  if (address.family === Family.VSOCK && isMissing) {
    return `this kernel has no AF_VSOCK, so ${address.text} cannot be served; try --listen unix:PATH`;
  }
  if (address.family === Family.UNIX && error.errno === Errno.EADDRINUSE) {
    return `${address.text} is in use: another agent listens there, or the path is no socket`;
  }
  return `cannot listen on ${address.text}: ${error.describe()}`;
}
