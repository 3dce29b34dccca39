/** Network interfaces by ioctl, netdevice(7); IPv4 routes, route(8)'s struct rtentry. Without any external program. */
import { addressOf, call } from "#libc";
import { parseIpv4 } from "./address.ts";
import { cstring, encodeText, stringAt, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import { close } from "./file.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

const SIOCADDRT = 0x890b;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const IFF_UP = 1;

/** struct ifreq: the name, then the flags as u16 or a sockaddr_in. */
const IFREQ_BYTES = 40;
const IFREQ_VALUE = 16;
/** IFNAMSIZ without the NUL. */
const NAME_MAX = 15;

/** struct rtentry on 64 bit. */
const RTENTRY_BYTES = 120;
const RTENTRY_DESTINATION = 8;
const RTENTRY_GATEWAY = 24;
const RTENTRY_MASK = 40;
const RTENTRY_FLAGS = 56;
const RTENTRY_DEVICE = 88;
const RTF_UP = 1;
const RTF_GATEWAY = 2;
const RTF_HOST = 4;

const ANY = "0.0.0.0";
/** More than any guest has. */
const ADDRESSES_MAX = 128;

/** Whether a text can be the name of an interface; the kernel's dev_valid_name. */
export function isInterfaceName(name: string): boolean {
  const length = encodeText(name).length;
  if (length === 0 || length > NAME_MAX || name === "." || name === "..") return false;
  for (const char of name) {
    if (char <= " " || char === "/" || char === ":") return false;
  }
  return true;
}

/** Writes a sockaddr_in without a port, ip(7). What is no dotted quad becomes 0.0.0.0. */
function putAddress(view: DataView, offset: number, address: string): void {
  view.setUint16(offset, AF_INET, true);
  const bytes = parseIpv4(address);
  for (let i = 0; i < bytes.length; i++) view.setUint8(offset + 4 + i, bytes.at(i) ?? 0);
}

/** An IPv4 address, and the name of the interface that has it. */
export class InterfaceAddress {
  readonly name: string;
  /** A dotted quad. */
  readonly address: string;

  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }
}

/** The IPv4 addresses of all interfaces that are up, in the kernel's order; the first 128. Throws SysError. */
export function interfaceAddresses(): InterfaceAddress[] {
  const requests = new Uint8Array(ADDRESSES_MAX * IFREQ_BYTES);
  const base = addressOf(requests);
  // struct ifconf: length, address.
  const conf = new Uint8Array(16);
  const view = new DataView(conf.buffer);
  view.setInt32(0, requests.length, true);
  writeWord(view, 8, base);
  const fd = check(call(Call.socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", "");
  const result = call(Call.ioctl, fd, SIOCGIFCONF, addressOf(conf));
  close(fd);
  check(result, "SIOCGIFCONF", "");
  const end = Math.min(view.getInt32(0, true), requests.length);
  const all: InterfaceAddress[] = [];
  for (let at = 0; at < end; at += IFREQ_BYTES) {
    const quad = requests.subarray(at + IFREQ_VALUE + 4, at + IFREQ_VALUE + 8);
    all.push(new InterfaceAddress(stringAt(base + at), `${quad[0]}.${quad[1]}.${quad[2]}.${quad[3]}`));
  }
  return all;
}

/** A network interface by name, which need not exist yet. It owns a socket until `close`. Failures are SysError. */
export class NetworkInterface {
  readonly name: string;
  private readonly fd: number;

  private constructor(name: string, fd: number) {
    this.name = name;
    this.fd = fd;
  }

  /** Throws SysError: EAFNOSUPPORT in a kernel without IPv4. */
  static open(name: string): NetworkInterface {
    const fd = check(call(Call.socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket", name);
    return new NetworkInterface(name, fd);
  }

  close(): void {
    close(this.fd);
  }

  /** Whether the device is there. */
  exists(): boolean {
    return this.ask(SIOCGIFFLAGS, Errno.ENODEV);
  }

  /** Whether it has an IPv4 address. */
  hasAddress(): boolean {
    return this.ask(SIOCGIFADDR, Errno.EADDRNOTAVAIL);
  }

  /** Sets IFF_UP, and leaves the other flags as they are. */
  bringUp(): void {
    const request = this.request();
    const view = new DataView(request.buffer);
    check(this.ioctl(SIOCGIFFLAGS, request), "SIOCGIFFLAGS", this.name);
    const flags = view.getUint16(IFREQ_VALUE, true);
    if ((flags & IFF_UP) !== 0) return;
    view.setUint16(IFREQ_VALUE, flags | IFF_UP, true);
    check(this.ioctl(SIOCSIFFLAGS, request), "SIOCSIFFLAGS", this.name);
  }

  /** Sets the IPv4 address, a dotted quad. The kernel derives a mask from its class. */
  setAddress(address: string): void {
    check(this.put(SIOCSIFADDR, address), "SIOCSIFADDR", this.name);
  }

  /** Sets the mask of the address, a dotted quad. */
  setMask(mask: string): void {
    check(this.put(SIOCSIFNETMASK, mask), "SIOCSIFNETMASK", this.name);
  }

  /** Adds the default route through this interface. One that is there already is fine. */
  addDefaultRoute(gateway: string): void {
    this.addRoute(ANY, gateway, RTF_UP | RTF_GATEWAY);
  }

  /** Adds a route to one address, which is on the link itself. One that is there already is fine. */
  addHostRoute(address: string): void {
    this.addRoute(address, ANY, RTF_UP | RTF_HOST);
  }

  private addRoute(destination: string, gateway: string, flags: number): void {
    const route = new Uint8Array(RTENTRY_BYTES);
    const view = new DataView(route.buffer);
    const device = cstring(this.name);
    putAddress(view, RTENTRY_DESTINATION, destination);
    putAddress(view, RTENTRY_GATEWAY, gateway);
    // The kernel takes a host's own for it.
    putAddress(view, RTENTRY_MASK, ANY);
    view.setUint16(RTENTRY_FLAGS, flags, true);
    writeWord(view, RTENTRY_DEVICE, addressOf(device));
    const result = this.ioctl(SIOCADDRT, route);
    if (result !== -Errno.EEXIST) check(result, "SIOCADDRT", `${this.name} ${gateway === ANY ? destination : gateway}`);
  }

  /** A request that is answered, or refused with `negative` or for want of the device. */
  private ask(request: number, negative: number): boolean {
    const result = this.ioctl(request, this.request());
    if (result === -negative || result === -Errno.ENODEV) return false;
    check(result, "ioctl", this.name);
    return true;
  }

  private put(request: number, address: string): number {
    const bytes = this.request();
    putAddress(new DataView(bytes.buffer), IFREQ_VALUE, address);
    return this.ioctl(request, bytes);
  }

  /** A zeroed ifreq with the name. */
  private request(): Uint8Array {
    const request = new Uint8Array(IFREQ_BYTES);
    request.set(encodeText(this.name).subarray(0, NAME_MAX));
    return request;
  }

  private ioctl(request: number, bytes: Uint8Array): number {
    return call(Call.ioctl, this.fd, request, addressOf(bytes));
  }
}
