/** /etc/hosts, hosts(5): localhost in both families, and one line for the host's own name. */
import { decodeText, encodeText } from "../sys/bytes.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { hostsWords } from "../sys/hosts-line.ts";
import { Level, log } from "../sys/log.ts";
import { readWhole, replaceWhole } from "../sys/whole-file.ts";

const MAX_BYTES = 1024 * 1024;
const MODE = 0o644;
const NEWLINE = 0x0a;
const LOCALHOST = "localhost";
const LOOPBACK4 = "127.0.0.1";
const LOOPBACK6 = "::1";
/** Debian's address for the name of a host that has no permanent one; Debian Reference 5.1.1. */
const OWN_ADDRESS = "127.0.1.1";

/** What a hosts file has, read line by line. */
class HostsScan {
  private readonly hostName: string;
  hasLoopback4 = false;
  hasLoopback6 = false;
  hasName = false;
  /** Where the line of the own address begins and ends; behind the last one where there is none. */
  ownStart: number;
  ownEnd: number;

  constructor(content: Uint8Array, hostName: string) {
    this.hostName = hostName;
    this.ownStart = content.length;
    this.ownEnd = content.length;
    let start = 0;
    for (let i = 0; i < content.length; i++) {
      if (content[i] !== NEWLINE) continue;
      this.read(content, start, i + 1);
      start = i + 1;
    }
    this.read(content, start, content.length);
  }

  private read(content: Uint8Array, start: number, end: number): void {
    const words = hostsWords(decodeText(content, start, end));
    const address = words.at(0) ?? "";
    const names = words.slice(1);
    if (address === LOOPBACK4 && names.includes(LOCALHOST)) this.hasLoopback4 = true;
    if (address === LOOPBACK6 && names.includes(LOCALHOST)) this.hasLoopback6 = true;
    if (names.includes(this.hostName)) this.hasName = true;
    if (address !== OWN_ADDRESS || this.ownStart < content.length) return;
    this.ownStart = start;
    this.ownEnd = end;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

/**
 * A hosts file with what is needed in it. The line of 127.0.1.1 gives way to the host's name, unless some line names it
 * already; all others stay byte for byte. An empty name asks for no line. Undefined where nothing is to change.
 */
function withHostName(content: Uint8Array, hostName: string): Uint8Array | undefined {
  const isOpen = content.length > 0 && content[content.length - 1] !== NEWLINE;
  const whole = isOpen ? joined(content, encodeText("\n")) : content;
  const scan = new HostsScan(whole, hostName);
  let missing = "";
  if (!scan.hasLoopback4) missing += `${LOOPBACK4}\t${LOCALHOST}\n`;
  if (!scan.hasLoopback6) missing += `${LOOPBACK6}\t${LOCALHOST}\n`;
  const isNamed = scan.hasName || hostName === "" || hostName === LOCALHOST;
  const own = isNamed ? "" : `${OWN_ADDRESS}\t${hostName}\n`;
  if (missing === "" && own === "") return undefined;
  const start = own === "" ? whole.length : scan.ownStart;
  const end = own === "" ? whole.length : scan.ownEnd;
  const head = joined(whole.subarray(0, start), encodeText(own));
  return joined(head, joined(whole.subarray(end), encodeText(missing)));
}

function readHosts(path: string): Uint8Array {
  try {
    return readWhole(path, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
    return new Uint8Array(0);
  }
}

/**
 * Brings the hosts file at `path` up to date, in one step; one that needs nothing is not touched. A failure is a line
 * in the log.
 */
export function updateHosts(path: string, hostName: string): void {
  try {
    const content = withHostName(readHosts(path), hostName);
    if (content !== undefined) replaceWhole(path, content, MODE);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `${path} stays as it is: ${error.describe()}`);
  }
}
