// Shell commands that lay out a network with a metadata service in it, in a network namespace of the test's own: eth0, at
// whose other end, in a second namespace, the service has Firecracker's address.

import { join } from "node:path";

export const guestAddress = "169.254.0.21";

/** What leads connections at the service's address to a Unix socket; it ends with the process that starts it. */
export function door(path: string, prefix = ""): string {
  const script = join(import.meta.dir, "mmds-door.ts");
  return `exec 9< <(exec setpriv --pdeathsig KILL ${prefix} ${process.execPath} ${script} 169.254.169.254 80 ${path})
    read -r -u 9 DOOR || exit 1
    exec 9<&-`;
}

/**
 * For the setup of a daemon with a network of its own; $DIR/door gets the pid of a process of the other end. `hasRoute`: a
 * default route leads over the other end. Without a path nobody is at the service's address, and nothing answers for it.
 */
export function network(path: string | undefined, hasRoute = true): string {
  const far = `ip -n far addr add 169.254.169.254/32 dev far0
    ${door(path ?? "", "ip netns exec far")}
    echo $DOOR > $DIR/door`;
  return `set -e
    ip link set lo up
    ip netns add far
    ip link add eth0 type veth peer name far0 netns far
    ip addr add ${guestAddress}/30 dev eth0
    ip link set eth0 up
    ip -n far link set lo up
    ip -n far addr add 169.254.0.22/30 dev far0
    ip -n far link set far0 up
    ip -n far route add ${guestAddress}/32 dev far0
    ${hasRoute ? "ip route add default via 169.254.0.22" : ""}
    ${path === undefined ? "" : far}`;
}
