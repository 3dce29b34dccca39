/** Waiting for one descriptor or two, for programs that do one thing after the other. */
import { addressOf, call } from "#libc";
import { Call } from "./calls.ts";
import { Ready } from "./loop.ts";

const FOREVER = -1;

/** Waits for any of the Ready bits `events` of a descriptor. Returns the bits that are there; NONE after a signal. */
export function awaitReady(fd: number, events: number): number {
  const pollfd = new Uint8Array(8);
  const view = new DataView(pollfd.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  return call(Call.poll, addressOf(pollfd), 1, FOREVER) > 0 ? view.getInt16(6, true) : Ready.NONE;
}

/** Waits until one of two descriptors is readable or ended. Returns whether the first of them is. */
export function awaitEither(first: number, second: number): boolean {
  const pollfds = new Uint8Array(16);
  const view = new DataView(pollfds.buffer);
  view.setInt32(0, first, true);
  view.setInt16(4, Ready.READABLE, true);
  view.setInt32(8, second, true);
  view.setInt16(12, Ready.READABLE, true);
  call(Call.poll, addressOf(pollfds), 2, FOREVER);
  return view.getInt16(6, true) !== 0;
}

/** Waits, for at most so many milliseconds. */
export function pause(milliseconds: number): void {
  call(Call.poll, 0, 0, milliseconds);
}
