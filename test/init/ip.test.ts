import { expect, test } from "bun:test";
import { IpParameter } from "../../init/ip.ts";

function fields(text: string) {
  const ip = IpParameter.parse(text);
  if (ip === undefined) return undefined;
  return [ip.client, ip.gateway, ip.mask, ip.hostName, ip.device, ip.nameServers.join(), ip.isOff, ip.isAutomatic];
}

test.each([
  // The command lines of hosts, lifecycle.md 1.7.
  [
    "169.254.0.21::169.254.0.22:255.255.255.252:capsule:eth0:off",
    ["169.254.0.21", "169.254.0.22", "255.255.255.252", "capsule", "eth0", "", false, false],
  ],
  [
    "169.254.0.21::169.254.0.22:255.255.255.252:instance:eth0:off:8.8.8.8",
    ["169.254.0.21", "169.254.0.22", "255.255.255.252", "instance", "eth0", "8.8.8.8", false, false],
  ],
  [
    "10.0.2.15::10.0.2.2:255.255.255.0:box:eth0:off:10.0.2.3",
    ["10.0.2.15", "10.0.2.2", "255.255.255.0", "box", "eth0", "10.0.2.3", false, false],
  ],
  ["10.0.2.15:::255.255.255.0::eth0:off", ["10.0.2.15", "", "255.255.255.0", "", "eth0", "", false, false]],
  // Every field.
  [
    "1.2.3.4:5.6.7.8:9.10.11.12:255.0.0.0:name:net1:none:1.1.1.1:2.2.2.2:3.3.3.3",
    ["1.2.3.4", "9.10.11.12", "255.0.0.0", "name", "net1", "1.1.1.1,2.2.2.2", false, false],
  ],
  ["1.2.3.4", ["1.2.3.4", "", "", "", "eth0", "", false, false]],
  [":::::::9.9.9.9", ["", "", "", "", "eth0", "9.9.9.9", false, false]],
  ["::::::::9.9.9.9", ["", "", "", "", "eth0", "9.9.9.9", false, false]],
  ["", ["", "", "", "", "eth0", "", false, false]],
  [":::::::::", ["", "", "", "", "eth0", "", false, false]],
  // A host name that is none.
  ["1.2.3.4::::off:eth0:off", ["1.2.3.4", "", "", "", "eth0", "", false, false]],
  // The method alone, or as a field.
  ["off", ["", "", "", "", "eth0", "", true, false]],
  ["none", ["", "", "", "", "eth0", "", true, false]],
  [":::::eth1:off", ["", "", "", "", "eth1", "", true, false]],
  ["dhcp", ["", "", "", "", "eth0", "", false, true]],
  [":::::eth1:dhcp", ["", "", "", "", "eth1", "", false, true]],
  ["1.2.3.4::::::dhcp", ["1.2.3.4", "", "", "", "eth0", "", false, false]],
  ["1.2.3.4::::::", ["1.2.3.4", "", "", "", "eth0", "", false, false]],
])("%j", (text, expected) => {
  expect(fields(text)).toEqual(expected);
});

test.each([
  "foo", "1.2.3", "1.2.3.256", "1.2.3.4.5", "01.2.3.4", "1.2.3.4 ", "::1.2.3", "1.2.3.4:x", ":::255.255.255", ":::/24",
  ":::::a-name-too-long0", ":::::a/b", ":::::..", ":::::eth 0", "::::::maybe", 
  ":::::::1.1", "::::::::1.1.1.1.1", ":::::::::ntp",
  "::::::::::", "1.2.3.4::::::::::",
])("%j is malformed", (text) => {
  expect(IpParameter.parse(text)).toBeUndefined();
});
