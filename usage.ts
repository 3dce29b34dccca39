/** What `--help` prints. */
import { ENVD_VERSION } from "./envd/version.ts";
import { VERSION } from "./version.ts";

/** As the agent of any guest. */
export function usage(): string {
  return `mote ${VERSION}, the guest agent of a microVM

usage: mote [--listen ADDR]... [--port N] [--profile NAME] [--log LEVEL] [--log-to WHERE] [--no-supervise]

  --listen ADDR   where to serve the SmolVM control channel; may be repeated
                    vsock:PORT       AF_VSOCK, from any CID (also vsock://PORT)
                    unix:PATH        a Unix socket, made with mode 0600
                    tcp:HOST:PORT    TCP; HOST is numeric or localhost
                    fd:N             an inherited descriptor, listening or connected
  --envd ADDR     where to serve envd's protocol, HTTP; may be repeated; ADDR as above
  --port N        the same as --listen vsock:N
  --profile NAME  whose guest this is: smolvm, wrenn, e2b or generic; otherwise the program's name tells,
                  smolvm-guest-agent, envd or wrenn-init
  --log LEVEL     error, warn, info (the default) or debug
  --log-to WHERE  stderr (the default), kmsg, console, off, or a file
  --no-supervise  serve in this very process; otherwise a parent holds the listeners and starts
                  another worker whenever one ends
  --idle-timeout SECONDS
                  how long a connection of envd's protocol may make no progress; 640 unless given
  --mmds WHERE    Firecracker's metadata service, which envd asks: auto (the default: in Firecracker only),
                  on, off, or HOST:PORT
  --forward on    with envd's protocol: let the host reach servers on 127.0.0.1 and ::1; --profile e2b --help says more
  --version       print the version
  --commit        print the commit that it was built from
  --help          print this text

Started as envd, or for the profile wrenn or e2b, it takes envd's options: see --profile e2b --help.
Without an address it listens on vsock:$SMOLVM_AGENT_PORT, or vsock:1024.
SIGTERM and SIGINT stop it: running commands are killed, it exits with 0.

As PID 1 it is the guest's init as well: it mounts what a Linux system needs, sets up the network, reaps, and ends the
machine in order. The kernel's command line has its options, mote.NAME=VALUE; README.md lists them. It logs to kmsg.
`;
}

/** As envd. */
export function envdUsage(): string {
  return `envd ${ENVD_VERSION}, of mote ${VERSION}

usage: envd [OPTION]...; one dash or two, flags also --FLAG=true or false

  --port N              where to serve, on all addresses of IPv4; 49983 unless given
  --isnotfc             outside Firecracker: no metadata service, the clock is never set, no cgroups unless --cgroup-root
  --cmd COMMAND         run once at the start, by a login shell, as the default user
  --cgroup-root PATH    the cgroup2 file system; /sys/fs/cgroup unless given
  --no-cgroups          leave cgroups alone
  --cgroup-set GROUP/FILE=VALUE
                        what a file of the group pty or user is to say: user/cpu.weight=100; may be repeated
  --thaw-after SECONDS  thaw what a host has frozen and left so; 600 unless given
  --forward on|off      whether servers on 127.0.0.1 and ::1 can be reached at the guest's address, on the same port;
                        on unless --isnotfc is given
  --forward-address IP  that address; otherwise 169.254.0.21 where an interface has it, or eth0's
  --verbose             log to standard output
  --idle-timeout SECONDS
                        how long a connection may make no progress; 640 unless given
  --mmds WHERE          Firecracker's metadata service: on (the default), off, or HOST:PORT; off with --isnotfc
  --snapshot-timeout SECONDS
                        after a preparation for a snapshot, how long until it counts as not taken; 60 unless given
  --prepare-from-outside
                        only from other machines a snapshot is prepared
  --health-204          answer GET /health with 204 and without a body
  --version, --commit   print the version, or the commit that it was built from
  --help                print this text

mote's own options are understood too: --listen, --envd, --profile, --log, --log-to, --no-supervise.
SIGTERM and SIGINT stop it: requests that are being answered have 10 s to end.
`;
}
