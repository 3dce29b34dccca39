// An init whose network and services are looked at: one end of a veth pair is its eth0.

import { Namespace, type NamespaceOptions } from "../namespace.ts";
import { until } from "../until.ts";

export const DEVICE = "ip link add eth0 type veth peer name peer0";
export const WAIT_SECONDS = 10;
export const TEST_MS = 30_000;

interface Link {
  readonly operstate: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly broadcast?: string }[];
}

export async function link(namespace: Namespace, name: string): Promise<Link> {
  const links: Link[] = JSON.parse(await namespace.enter(`ip -j addr show dev ${name}`));
  const first = links[0];
  if (first === undefined) throw new Error(`no ${name}`);
  return first;
}

/** Its eth0's addresses, each with the length of its prefix. */
export async function ipv4(namespace: Namespace): Promise<string[]> {
  const { addr_info } = await link(namespace, "eth0");
  return addr_info.filter(({ local }) => !local.includes(":")).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** Gateway and device of each. */
export async function defaultRoutes(namespace: Namespace): Promise<string[]> {
  const routes: { gateway: string; dev: string }[] = JSON.parse(await namespace.enter("ip -j -4 route show default"));
  return routes.map(({ gateway, dev }) => `${gateway} ${dev}`);
}

/** Waits for a text in the log. */
export function logged(namespace: Namespace, text: string, seconds = WAIT_SECONDS): Promise<void> {
  return until(`the log says "${text}"`, seconds, () => namespace.stderr.includes(text));
}

/** Setup that makes a script inside. */
export function script(path: string, body: string): string {
  return `mkdir -p $(dirname $ROOT${path}); printf '#!/bin/sh\\n%s\\n' '${body}' >$ROOT${path}; chmod +x $ROOT${path}`;
}

/** Where a path of the namespace's is, seen from the tests. */
export const outside = (namespace: Namespace, path: string): string => `/proc/${namespace.pid}/root${path}`;

/** Runs `body` with an init that finds nothing of this machine's in the places that it writes to. */
export function withInit(options: NamespaceOptions, body: (namespace: Namespace) => Promise<void>): Promise<void> {
  // This machine's own files are seen through the overlay.
  const paths = ["/etc/hosts", "/etc/resolv.conf", "/root/.ssh", "/usr/sbin/sshd", "/etc/ssh"];
  const setup = `rm -rf ${paths.map((path) => `$ROOT${path}`).join(" ")}\n${options.setup ?? ""}`;
  return Namespace.with({ ...options, setup }, body);
}
