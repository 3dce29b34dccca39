/** Where an agent is reached: an address of a socket, and for Firecracker's hybrid vsock also the port in the guest. */
import { type Address, CID_ANY, Family, parseAddress } from "../sys/address.ts";
import { UsageError } from "../sys/arguments.ts";
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { Errno, errnoText, SysError } from "../sys/errno.ts";
import { connectBlocking } from "../sys/socket.ts";
import { Failure } from "./failure.ts";

const FIRECRACKER = "firecracker:";
const NONE = -1;
const MAX_PORT = 0xfffffffe;

/** What to check when nobody answers, in the order of Family. */
const ADVICE = [
  "check that a VM with that CID runs and its agent listens on that port",
  "check that an agent listens on that path and that you may open it",
  "check that an agent listens there and nothing between filters the port",
  "check that the descriptor is a connected socket",
];

export class Endpoint {
  /** The endpoint as MOTE_ADDRESS spells it, for messages. */
  readonly text: string;
  /** The port in the guest that Firecracker is to connect to; negative for other endpoints. */
  readonly guestPort: number;
  private readonly address: Address;

  private constructor(text: string, address: Address, guestPort: number) {
    this.text = text;
    this.address = address;
    this.guestPort = guestPort;
  }

  /**
   * Parses an address as the agent spells it, a vsock one with its CID, or `firecracker:PATH:PORT`. Throws UsageError.
   */
  static parse(text: string): Endpoint {
    if (text.startsWith(FIRECRACKER)) return Endpoint.parseFirecracker(text, text.slice(FIRECRACKER.length));
    const address = parseAddress(text);
    if (address.family === Family.VSOCK && address.cid === CID_ANY) {
      throw new UsageError(`'${text}' does not say which VM; write CID:PORT`);
    }
    return new Endpoint(address.text, address, NONE);
  }

  private static parseFirecracker(text: string, rest: string): Endpoint {
    const colon = rest.lastIndexOf(":");
    const port = rest.slice(colon + 1);
    if (colon <= 0 || !consistsOf(port, DIGITS, 10) || Number(port) > MAX_PORT) {
      throw new UsageError(`'${text}' does not name a socket and a port in the guest; write PATH:PORT`);
    }
    return new Endpoint(text, parseAddress(`unix:${rest.slice(0, colon)}`), Number(port));
  }

  /** Connects, waiting for it. The caller owns the descriptor. Throws Failure. */
  connect(): number {
    try {
      return connectBlocking(this.address);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      const isMissing = error.call === "socket" && error.errno === Errno.EAFNOSUPPORT;
      const advice = isMissing ? "this kernel lacks that kind of socket" : this.advice();
      throw new Failure(`cannot connect to ${this.text}: ${errnoText(error.errno)}; ${advice}`);
    }
  }

  /** What to check when nobody answers. */
  advice(): string {
    if (this.guestPort >= 0) return "check that the VM runs and that PATH is the uds_path of its vsock device";
    return ADVICE.at(this.address.family) ?? "";
  }
}
