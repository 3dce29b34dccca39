/** Addresses of listeners and peers: `vsock:PORT`, `unix:PATH`, `tcp:HOST:PORT`, `fd:N`. */
import { UsageError } from "./arguments.ts";
import { consistsOf, decimal, encodeText, HEX_DIGITS } from "./bytes.ts";

export const enum Family {
  VSOCK,
  UNIX,
  TCP,
  DESCRIPTOR,
}

/** The longest numeric address. */
const LITERAL_MAX = 39;

/** VMADDR_CID_ANY, vsock(7). */
export const CID_ANY = 0xffffffff;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_VSOCK = 40;

/** sockaddr_un.sun_path with its NUL, unix(7). */
const UNIX_PATH_MAX = 108;

export class Address {
  /** What is served there, in the words of whoever listens: `SERVICE+` before the address; empty where nothing is said. */
  service = "";
  readonly family: Family;
  /** The address as it is written, for messages. */
  text: string;
  /** The path of a UNIX address, the host of a TCP one. */
  readonly name: string;
  /** A port, or the descriptor's number. */
  readonly port: number;
  readonly cid: number;

  constructor(family: Family, text: string, name: string, port: number, cid: number) {
    this.family = family;
    this.text = text;
    this.name = name;
    this.port = port;
    this.cid = cid;
  }

  /** The first argument of socket(2). */
  get socketFamily(): number {
    if (this.family === Family.UNIX) return AF_UNIX;
    if (this.family === Family.VSOCK) return AF_VSOCK;
    return this.name.includes(":") ? AF_INET6 : AF_INET;
  }

  /** The sockaddr that bind(2) and connect(2) take. Throws AddressError where the name does not fit one. */
  sockaddr(): Uint8Array {
    if (this.family === Family.UNIX) return unixSockaddr(this.name);
    if (this.family === Family.VSOCK) return vsockSockaddr(this.cid, this.port);
    return tcpSockaddr(this.name, this.port);
  }
}

/** An address that nothing can listen on or connect to, with a sentence that says why. */
export class AddressError extends UsageError {}

const FORMS = "vsock:PORT, unix:PATH, tcp:HOST:PORT or fd:N";

/**
 * Parses an address, with or without `SERVICE+` before it. The URL spelling `vsock://PORT` (likewise for the others) means
 * the same. Throws AddressError.
 */
export function parseAddress(text: string): Address {
  const plus = text.indexOf("+");
  if (plus < 0 || plus > text.indexOf(":")) return parsePlain(text);
  const address = parsePlain(text.slice(plus + 1));
  address.service = text.slice(0, plus);
  address.text = text.slice(0, plus + 1) + address.text;
  return address;
}

function parsePlain(text: string): Address {
  const colon = text.indexOf(":");
  const scheme = colon < 0 ? "" : text.slice(0, colon);
  let rest = text.slice(colon + 1);
  if (rest.startsWith("//")) rest = rest.slice(2);
  if (scheme === "unix") {
    if (rest === "") throw new AddressError(`'${text}' names no path; write unix:PATH`);
    if (encodeText(rest).length >= UNIX_PATH_MAX) {
      throw new AddressError(`the socket path in '${text}' is longer than ${UNIX_PATH_MAX - 1} bytes`);
    }
    return new Address(Family.UNIX, `unix:${rest}`, rest, 0, 0);
  }
  if (scheme === "vsock") {
    const split = rest.lastIndexOf(":");
    const cid = split < 0 ? CID_ANY : parseNumber(rest.slice(0, split), CID_ANY, text);
    const port = parseNumber(rest.slice(split + 1), 0xfffffffe, text);
    return new Address(Family.VSOCK, split < 0 ? `vsock:${port}` : `vsock:${cid}:${port}`, "", port, cid);
  }
  if (scheme === "tcp") {
    const split = rest.lastIndexOf(":");
    if (split <= 0) throw new AddressError(`'${text}' lacks a host or a port; write tcp:HOST:PORT`);
    let host = rest.slice(0, split);
    if (host.startsWith("[") && host.endsWith("]")) host = host.slice(1, host.length - 1);
    const port = parseNumber(rest.slice(split + 1), 65535, text);
    tcpSockaddr(host, port);
    return new Address(Family.TCP, `tcp:${rest}`, host, port, 0);
  }
  if (scheme === "fd") {
    const fd = parseNumber(rest, 0x7fffffff, text);
    return new Address(Family.DESCRIPTOR, `fd:${fd}`, "", fd, 0);
  }
  throw new AddressError(`'${text}' is not an address; write ${FORMS}`);
}

function parseNumber(digits: string, max: number, text: string): number {
  const value = decimal(digits, 10);
  if (value < 0 || value > max) throw new AddressError(`'${digits}' in '${text}' is not a number from 0 to ${max}; write ${FORMS}`);
  return value;
}

/** A zeroed sockaddr with its family set. */
function sockaddr(family: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes[0] = family;
  return bytes;
}

function unixSockaddr(path: string): Uint8Array {
  const name = encodeText(path);
  const bytes = sockaddr(AF_UNIX, 2 + name.length + 1);
  bytes.set(name, 2);
  return bytes;
}

function vsockSockaddr(cid: number, port: number): Uint8Array {
  const bytes = sockaddr(AF_VSOCK, 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, port, true);
  view.setUint32(8, cid, true);
  return bytes;
}

/** ip(7), ipv6(7). Hosts are numeric: the agent brings no resolver. */
function tcpSockaddr(host: string, port: number): Uint8Array {
  const ipv4 = parseIpv4(host === "localhost" ? "127.0.0.1" : host);
  const ipv6 = parseIpv6(host);
  const isIpv4 = ipv4.length > 0;
  if (!isIpv4 && ipv6.length === 0) {
    throw new AddressError(`'${host}' is not a numeric IPv4 or IPv6 address, nor localhost`);
  }
  const bytes = isIpv4 ? sockaddr(AF_INET, 16) : sockaddr(AF_INET6, 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, port, false);
  for (let i = 0; i < ipv4.length; i++) view.setUint8(4 + i, ipv4.at(i) ?? 0);
  for (let i = 0; i < ipv6.length; i++) view.setUint16(8 + i * 2, ipv6.at(i) ?? 0, false);
  return bytes;
}

/** Whether a text is a numeric address of either family. */
export function isIpLiteral(text: string): boolean {
  return text.length <= LITERAL_MAX && (parseIpv4(text).length > 0 || parseIpv6(text).length > 0);
}

/** The four bytes of a dotted quad; none where it is not one. */
export function parseIpv4(host: string): number[] {
  const parts = host.split(".");
  const bytes: number[] = [];
  for (const part of parts) {
    const value = decimal(part, 3);
    const isPlain = part === "0" || !part.startsWith("0");
    if (isPlain && value >= 0 && value <= 255) bytes.push(value);
  }
  if (parts.length !== 4 || bytes.length !== 4) return [];
  return bytes;
}

/** The eight groups of an address in RFC 4291 section 2.2 form 1 or 2; none where it is not one. */
function parseIpv6(host: string): number[] {
  const halves = host.split("::");
  if (halves.length > 2 || !host.includes(":")) return [];
  const head = parseGroups(halves.at(0) ?? "");
  const tail = parseGroups(halves.at(1) ?? "");
  const missing = 8 - head.length - tail.length;
  if (head.includes(-1) || tail.includes(-1) || (halves.length === 2 ? missing < 1 : missing !== 0)) return [];
  for (let i = 0; i < missing; i++) head.push(0);
  for (const group of tail) head.push(group);
  return head;
}

/** Groups of colon-separated hexadecimal digits; -1 for one that is malformed. */
function parseGroups(text: string): number[] {
  const groups: number[] = [];
  if (text === "") return groups;
  for (const group of text.split(":")) groups.push(consistsOf(group, HEX_DIGITS, 4) ? parseInt(group, 16) : -1);
  return groups;
}
