/** Users and groups: what passwd(5) and group(5) say at the moment of asking. No other source of them is known. */
import { fileBytes, fileText } from "./bytes.ts";
import { Errno, SysError } from "./errno.ts";
import { LineReader } from "./lines.ts";
import { indexOfBytes } from "./search.ts";

const PASSWD_FIELDS = 7;
const GROUP_FIELDS = 4;
/** Fields of both. */
const NAME = 0;
const ID = 2;
const PASSWD_GID = 3;
const PASSWD_HOME = 5;
const PASSWD_SHELL = 6;
const GROUP_MEMBERS = 3;
/** The last two ids mean no user. */
const ID_MAX = 0xfffffffd;
/** Of one user; NGROUPS_MAX. */
const GROUPS_MAX = 65536;

const HASH = 35;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
const COLON = 58;

export class User {
  readonly name: string;
  readonly uid: number;
  /** The group that the user's files and processes begin with. */
  readonly gid: number;
  readonly home: string;
  /** May be empty. */
  readonly shell: string;

  constructor(name: string, uid: number, gid: number, home: string, shell: string) {
    this.name = name;
    this.uid = uid;
    this.gid = gid;
    this.home = home;
    this.shell = shell;
  }
}

/** The rows of a file of fields between colons. What is not one, such as a comment, is passed over. */
class Rows {
  /** Undefined where there is no such file. Throws SysError. */
  static open(path: string, count: number): Rows | undefined {
    try {
      return new Rows(LineReader.open(path), count);
    } catch (error) {
      if (!(error instanceof SysError) || error.errno !== Errno.ENOENT) throw error;
      return undefined;
    }
  }

  private readonly lines: LineReader;
  /** Where each field begins, and one after the end of the last. */
  private readonly starts: number[] = [];
  private readonly count: number;

  private constructor(lines: LineReader, count: number) {
    this.lines = lines;
    this.count = count;
    while (this.starts.length <= count) this.starts.push(0);
  }

  /** Goes on to the next row with these bytes anywhere in it. Returns false after the last. Throws SysError. */
  next(bytes: Uint8Array): boolean {
    const { lines } = this;
    while (lines.next()) {
      if (bytes.length > 0 && indexOfBytes(lines.bytes, lines.start, lines.end, bytes) < 0) continue;
      if (this.split() && this.id(ID) >= 0) return true;
    }
    return false;
  }

  private split(): boolean {
    const { bytes, start, end } = this.lines;
    const first = start < end ? bytes[start] : COLON;
    if (first === COLON || first === HASH || first === PLUS || first === MINUS) return false;
    let field = 1;
    this.starts[0] = start;
    // The last field may hold colons.
    for (let at = start; at < end && field < this.count; at++) {
      if (bytes[at] !== COLON) continue;
      this.starts[field] = at + 1;
      field++;
    }
    this.starts[this.count] = end + 1;
    return field === this.count;
  }

  close(): void {
    this.lines.close();
  }

  private startOf(field: number): number {
    return this.starts.at(field) ?? 0;
  }

  private endOf(field: number): number {
    return this.startOf(field + 1) - 1;
  }

  text(field: number): string {
    return fileText(this.lines.bytes, this.startOf(field), this.endOf(field));
  }

  /** The number of a user or a group; -1 for anything else. */
  id(field: number): number {
    const start = this.startOf(field);
    const end = this.endOf(field);
    let value = start === end ? -1 : 0;
    for (let at = start; at < end; at++) {
      const digit = (this.lines.bytes[at] ?? 0) - ZERO;
      value = value * 10 + digit;
      if (digit < 0 || digit > 9 || value > ID_MAX) return -1;
    }
    return value;
  }

  /** Whether one of the words between commas in a field is this one, which is not empty. */
  has(field: number, word: Uint8Array): boolean {
    const end = this.endOf(field);
    let matched = 0;
    for (let at = this.startOf(field); at <= end; at++) {
      const byte = at < end ? this.lines.bytes[at] : COMMA;
      if (byte === COMMA) {
        if (matched === word.length) return true;
        matched = 0;
      } else {
        // Beyond the word's end for good, once something differs.
        matched = matched < word.length && byte === word[matched] ? matched + 1 : word.length + 1;
      }
    }
    return false;
  }
}

/** The users and groups of a directory's `passwd` and `group`, read anew each time. A missing file is an empty one. */
export class Accounts {
  private readonly passwd: string;
  private readonly group: string;

  constructor(directory = "/etc") {
    this.passwd = `${directory}/passwd`;
    this.group = `${directory}/group`;
  }

  /** The user of a name. Throws SysError. */
  user(name: string): User | undefined {
    return this.find(name, -1);
  }

  /** The first user of a number. Throws SysError. */
  userById(uid: number): User | undefined {
    return this.find("", uid);
  }

  /** The name of a group. Throws SysError. */
  groupName(gid: number): string | undefined {
    const rows = Rows.open(this.group, GROUP_FIELDS);
    if (rows === undefined) return undefined;
    try {
      while (rows.next(new Uint8Array(0))) {
        if (rows.id(ID) === gid) return rows.text(NAME);
      }
      return undefined;
    } finally {
      rows.close();
    }
  }

  /** The groups that a user is in: the user's own first, then those that list the name, each once. Throws SysError. */
  groupsOf(user: User): number[] {
    const gids = new Set<number>([user.gid]);
    const rows = Rows.open(this.group, GROUP_FIELDS);
    if (rows === undefined) return [...gids];
    const name = fileBytes(user.name);
    try {
      while (gids.size < GROUPS_MAX && rows.next(name)) {
        if (rows.has(GROUP_MEMBERS, name)) gids.add(rows.id(ID));
      }
      return [...gids];
    } finally {
      rows.close();
    }
  }

  private find(name: string, uid: number): User | undefined {
    const rows = Rows.open(this.passwd, PASSWD_FIELDS);
    if (rows === undefined) return undefined;
    const bytes = fileBytes(name);
    try {
      while (rows.next(bytes)) {
        const gid = rows.id(PASSWD_GID);
        const isWanted = uid < 0 ? rows.text(NAME) === name : rows.id(ID) === uid;
        if (!isWanted || gid < 0) continue;
        return new User(rows.text(NAME), rows.id(ID), gid, rows.text(PASSWD_HOME), rows.text(PASSWD_SHELL));
      }
      return undefined;
    } finally {
      rows.close();
    }
  }
}
