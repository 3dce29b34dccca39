/** What the service tells of a file; envd-rpc.md 4.2. */
import type { MessageWriter } from "../../connect/writer.ts";
import { decodeText, encodeText, fileBytes } from "../../sys/bytes.ts";
import { SysError } from "../../sys/errno.ts";
import { lstat } from "../../sys/file.ts";
import { Accounts } from "../../sys/passwd.ts";
import { resolveLinks } from "../../sys/real-path.ts";
import { indexOfByte } from "../../sys/search.ts";
import type { FileStatus } from "../../sys/status.ts";
import { nameOf } from "../paths.ts";
import { FileType } from "./messages.ts";
import { metadataOf } from "./metadata.ts";
import { permissionText } from "./permissions.ts";

/** The first byte of what `fileText` makes of bytes that are no UTF-8. */
const ESCAPE = 0xef;

/** What a Timestamp may be: the years 1 to 9999. A file may have another time, and clients refuse a list with such a one whole. */
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

const GROUPS = 0x100000000;
const MODES = 2 * GROUPS;

/** Writes a field that is a file's name or path: bytes in it that are no UTF-8 become U+FFFD. */
export function writeName(out: MessageWriter, number: number, name: string): void {
  const bytes = encodeText(name);
  if (indexOfByte(bytes, 0, bytes.length, ESCAPE) < 0) return out.presentData(number, bytes, 0, bytes.length);
  const raw = fileBytes(name);
  out.presentText(number, decodeText(raw, 0, raw.length));
}

/** Writes EntryInfo messages. It keeps what it has looked up, and so is not to live long. */
export class EntryWriter {
  /** Those who get no more than the name, the type and the path; envd-rpc.md 1.3. */
  private readonly isLegacy: boolean;
  private readonly accounts = new Accounts();
  /** Names of users by their numbers, of groups by theirs plus GROUPS, permissions by modes plus MODES. */
  private readonly words = new Map<number, string>();

  constructor(isLegacy: boolean) {
    this.isLegacy = isLegacy;
  }

  /**
   * Appends the fields of what a path names, a symbolic link itself where it is one. `shown` is the path that is told.
   * Returns its status. Throws SysError, with nothing appended.
   */
  write(out: MessageWriter, path: string, shown: string): FileStatus {
    const status = lstat(path);
    const target = status.isLink ? realPathOf(path) : path;
    const final = status.isLink ? statusOf(target) : status;
    writeName(out, 1, nameOf(shown));
    out.uint32(2, typeOf(final));
    writeName(out, 3, shown);
    if (this.isLegacy) return status;
    out.int64(4, status.sizeLow, status.sizeHigh);
    out.uint32(5, final === undefined ? 0 : final.permissions & 0o777);
    out.text(6, this.wordOf(status.mode + MODES, status));
    writeName(out, 7, this.wordOf(status.uid, status));
    writeName(out, 8, this.wordOf(status.gid + GROUPS, status));
    const seconds = status.modifiedSeconds;
    const nanoseconds = status.modifiedNanoseconds;
    const isTimestamp = seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
    if (isTimestamp && (seconds !== 0 || nanoseconds !== 0)) out.timestamp(9, seconds, nanoseconds);
    if (status.isLink) writeName(out, 10, final === undefined ? shown : target);
    for (const [key, value] of metadataOf(path)) out.entry(11, key, value);
    return status;
  }

  /** What stands for a number. */
  private wordOf(key: number, status: FileStatus): string {
    const known = this.words.get(key);
    if (known !== undefined) return known;
    const id = key % GROUPS;
    let word: string | undefined;
    if (key >= MODES) word = permissionText(status);
    else word = key >= GROUPS ? this.accounts.groupName(id) : this.accounts.userById(id)?.name;
    this.words.set(key, word ?? `${id}`);
    return word ?? `${id}`;
  }
}

function typeOf(status: FileStatus | undefined): FileType {
  if (status === undefined) return FileType.UNSPECIFIED;
  if (status.isDirectory) return FileType.DIRECTORY;
  return status.isRegular ? FileType.FILE : FileType.UNSPECIFIED;
}

/** Where a path leads; nowhere is the empty path. */
function realPathOf(path: string): string {
  try {
    return resolveLinks(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return "";
  }
}

function statusOf(path: string): FileStatus | undefined {
  try {
    return lstat(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return undefined;
  }
}
