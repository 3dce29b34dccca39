// What tests of uploads send.

import { expect } from "bun:test";
import type { Daemon } from "./daemon.ts";
import { ask, chunk, formBody, Peer, type Reply, requestBytes } from "./peer.ts";

export const BOUNDARY = "----boundary7MA4YWxk";
export const octets = "application/octet-stream";
export const form = `multipart/form-data; boundary=${BOUNDARY}`;

export type Parts = readonly (readonly [string, Uint8Array | string])[];

export function putRaw(daemon: Daemon, query: string, body: Uint8Array | string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(daemon.port, "POST", `/files?${query}`, { headers: { "Content-Type": octets, ...headers }, body });
}

export function putForm(daemon: Daemon, query: string, parts: Parts, headers: Record<string, string> = {}): Promise<Reply> {
  const target = `/files${query === "" ? "" : `?${query}`}`;
  return ask(daemon.port, "POST", target, { headers: { "Content-Type": form, ...headers }, body: formBody(BOUNDARY, parts) });
}

/** Sends a body in pieces, each as a chunk. */
export async function putPieces(daemon: Daemon, query: string, type: string, pieces: readonly (Uint8Array | string)[]): Promise<Reply> {
  const peer = await Peer.connect(daemon.port);
  await peer.send(requestBytes("POST", `/files?${query}`, { headers: { "Content-Type": type, "Transfer-Encoding": "chunked" } }));
  for (const piece of pieces) await peer.send(chunk(piece));
  await peer.send(chunk(""));
  const reply = await peer.read();
  peer.leave();
  return reply;
}

/** The paths that a reply says were stored. */
export function paths(reply: Reply): string[] {
  expect([reply.status, reply.field("content-type")]).toEqual([200, "application/json"]);
  return (reply.json as { path: string }[]).map((entry) => entry.path);
}
