/**
 * The kernel's `ip=` parameter, which a kernel without CONFIG_IP_PNP leaves to user space;
 * Documentation/admin-guide/nfs/nfsroot.rst.
 */
import { parseIpv4 } from "../sys/address.ts";
import { isInterfaceName } from "../sys/interface.ts";

/** The fields, in order: client:server:gateway:mask:host:device:method:dns0:dns1:ntp0. */
const enum Field {
  CLIENT,
  SERVER,
  GATEWAY,
  MASK,
  HOST,
  DEVICE,
  METHOD,
  DNS0,
  DNS1,
  NTP0,
  COUNT,
}

const ADDRESSES = [Field.CLIENT, Field.SERVER, Field.GATEWAY, Field.MASK, Field.DNS0, Field.DNS1, Field.NTP0];
const NO_METHOD = ["off", "none"];
const AUTOMATIC_METHODS = ["on", "any", "both", "dhcp", "bootp", "rarp"];
const DEFAULT_DEVICE = "eth0";

export class IpParameter {
  private readonly fields: string[];

  private constructor(fields: string[]) {
    this.fields = fields;
  }

  /** Reads what follows `ip=`. Every field may be empty or missing. Undefined where it is malformed. */
  static parse(text: string): IpParameter | undefined {
    // One word alone may be the method.
    const fields = isMethod(text) ? `::::::${text}`.split(":") : text.split(":");
    if (fields.length > Field.COUNT) return undefined;
    for (const index of ADDRESSES) {
      const address = fields.at(index) ?? "";
      if (address !== "" && parseIpv4(address).length === 0) return undefined;
    }
    const device = fields.at(Field.DEVICE) ?? "";
    if (device !== "" && !isInterfaceName(device)) return undefined;
    const method = fields.at(Field.METHOD) ?? "";
    if (method !== "" && !isMethod(method)) return undefined;
    return new IpParameter(fields);
  }

  /** The address of the guest; empty where none is given, as all of these. */
  get client(): string {
    return this.field(Field.CLIENT);
  }

  get gateway(): string {
    return this.field(Field.GATEWAY);
  }

  get mask(): string {
    return this.field(Field.MASK);
  }

  /** The host's name; `off`, which stands there in command lines that mean none, is none. */
  get hostName(): string {
    const name = this.field(Field.HOST);
    return name === "off" ? "" : name;
  }

  /** The interface: the first one where none is named. */
  get device(): string {
    const device = this.field(Field.DEVICE);
    return device === "" ? DEFAULT_DEVICE : device;
  }

  /** The name servers, none to two. */
  get nameServers(): string[] {
    return [this.field(Field.DNS0), this.field(Field.DNS1)].filter((address) => address !== "");
  }

  /** Whether it says to configure nothing: no address, and the method off. */
  get isOff(): boolean {
    return this.client === "" && NO_METHOD.includes(this.field(Field.METHOD));
  }

  /** Whether the network is to be asked for an address. */
  get isAutomatic(): boolean {
    return this.client === "" && AUTOMATIC_METHODS.includes(this.field(Field.METHOD));
  }

  private field(index: Field): string {
    return this.fields.at(index) ?? "";
  }
}

function isMethod(word: string): boolean {
  return NO_METHOD.includes(word) || AUTOMATIC_METHODS.includes(word);
}
