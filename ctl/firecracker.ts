/** Firecracker's hybrid vsock, its docs/vsock.md: a Unix socket on which the host asks for a port of the guest. */
import { decodeText, encodeText } from "../sys/bytes.ts";
import { read } from "../sys/file.ts";
import { writeAll } from "../sys/stdio.ts";
import type { Endpoint } from "./endpoint.ts";
import { Failure } from "./failure.ts";

const LINE_FEED = 10;
/** `OK ` and the number of the host's port. */
const MAX_LINE_BYTES = 32;

/** Has a fresh connection joined with the endpoint's port in the guest. Throws Failure. */
export function askFirecracker(fd: number, endpoint: Endpoint): void {
  const request = encodeText(`CONNECT ${endpoint.guestPort}\n`);
  writeAll(fd, request, 0, request.length);
  const line = readLine(fd);
  if (line.startsWith("OK ")) return;
  if (line !== "") throw new Failure(`Firecracker at ${endpoint.text} answered '${line}'; ${endpoint.advice()}`);
  // This is all Firecracker says when the guest refuses.
  const advice = `check that the agent listens on vsock port ${endpoint.guestPort} in the guest`;
  throw new Failure(`Firecracker at ${endpoint.text} closed the connection; ${advice}`);
}

/** Reads a line byte by byte, so that nothing behind it is taken. Without its end where the connection ends first. */
function readLine(fd: number): string {
  const bytes = new Uint8Array(MAX_LINE_BYTES);
  let length = 0;
  while (length < MAX_LINE_BYTES && read(fd, bytes, length, 1) === 1 && bytes[length] !== LINE_FEED) length++;
  return decodeText(bytes, 0, length);
}
