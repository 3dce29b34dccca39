import { describe, expect, test } from "bun:test";
import { AddressError, Family, parseAddress } from "../../sys/address.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("parse", () => {
  test.each([
    ["vsock:1024", Family.VSOCK, "vsock:1024"],
    ["vsock://1024", Family.VSOCK, "vsock:1024"],
    ["vsock:3:5000", Family.VSOCK, "vsock:3:5000"],
    ["vsock:0", Family.VSOCK, "vsock:0"],
    ["unix:/run/x.sock", Family.UNIX, "unix:/run/x.sock"],
    ["unix:///run/x.sock", Family.UNIX, "unix:/run/x.sock"],
    ["unix:relative", Family.UNIX, "unix:relative"],
    ["tcp:127.0.0.1:80", Family.TCP, "tcp:127.0.0.1:80"],
    ["tcp://localhost:0", Family.TCP, "tcp:localhost:0"],
    ["tcp:[::1]:65535", Family.TCP, "tcp:[::1]:65535"],
    ["tcp:::1:8080", Family.TCP, "tcp:::1:8080"],
    ["fd:3", Family.DESCRIPTOR, "fd:3"],
  ])("%s", (text, family, shown) => {
    const address = parseAddress(text);
    expect(address.family).toBe(family);
    expect(address.text).toBe(shown);
  });

  test.each([
    "", "vsock", "vsock:", "vsock:x", "vsock:-1", "vsock:1 ", "vsock:4294967295", "vsock:99999999999", "vsock:1:2:3",
    "unix:", `unix:/${"x".repeat(107)}`, "tcp:", "tcp:80", "tcp::80", "tcp:host:80", "tcp:1.2.3:80", "tcp:1.2.3.4.5:80",
    "tcp:256.0.0.1:80", "tcp:01.2.3.4:80", "tcp:1.2.3.4:65536", "tcp:1.2.3.4:", "tcp:[::1]", "tcp:[1::2::3]:80",
    "tcp:[12345::]:80", "tcp:[1:2:3:4:5:6:7]:80", "tcp:[1:2:3:4:5:6:7:8::]:80", "fd:", "fd:x", "fd:-1", "udp:1.2.3.4:5", ":80",
  ])("%j is refused with a sentence", (text) => {
    expect(() => parseAddress(text)).toThrow(AddressError);
    expect(() => parseAddress(text)).toThrow(/'/);
  });

  test("a path may be as long as the kernel takes, counted in bytes", () => {
    expect(parseAddress(`unix:/${"x".repeat(106)}`).sockaddr().length).toBe(2 + 108);
    expect(() => parseAddress(`unix:/${"é".repeat(54)}`)).toThrow(AddressError);
  });
});

describe("sockaddr", () => {
  test.each([
    ["vsock:1024", "2800000000040000ffffffff00000000"],
    ["vsock:2:1", "28000000010000000200000000000000"],
    ["unix:/a", "01002f6100"],
    ["tcp:1.2.3.4:258", "02000102010203040000000000000000"],
    ["tcp:localhost:1", "020000017f0000010000000000000000"],
    ["tcp:[::]:1", `0a00000100000000${"00".repeat(16)}00000000`],
    ["tcp:[::1]:1", `0a00000100000000${"00".repeat(15)}0100000000`],
    ["tcp:[fe80::1:ff]:1", "0a00000100000000fe8000000000000000000000000100ff00000000"],
    ["tcp:[1:2:3:4:5:6:7:8]:1", "0a000001000000000001000200030004000500060007000800000000"],
  ])("of %s", (text, bytes) => {
    expect(hex(parseAddress(text).sockaddr())).toBe(bytes);
  });
});
