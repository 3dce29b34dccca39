/**
 * What outlives a worker, in a memory file that supervisor and worker hold both; lifecycle.md 1.13.
 *
 * At the start of the file lies the table of process groups that end with the worker. The rest is the state record: the
 * worker writes it whole, with a version and a checksum, so that the next one either reads all of it or knows that it
 * cannot be trusted. A secret lies beside it: of the state there are copies in memory whenever a part of it is read or
 * written. A descriptor cannot lie in a file: those go through the channel (channel.ts).
 */
import { wipe } from "./bytes.ts";
import { GROUPS_BYTES } from "./groups.ts";
import { createMemoryFile, readAt, writeAt } from "./memory-file.ts";

const FILE_BYTES = 1024 * 1024;
/** Where the table of groups lies. */
export const GROUPS_OFFSET = 0;
const RECORD_OFFSET = 4096;
/** Magic number, format, sequence, length, checksum: 32-bit words. */
const HEADER_BYTES = 20;
const MAGIC = 0x45544f4d;
const FORMAT = 1;
const STATE_OFFSET = RECORD_OFFSET + HEADER_BYTES;
/** The secret's length, a 32-bit word, then its bytes; in a page of its own, behind the state. */
const SECRET_BYTES = 4096;
const LENGTH_BYTES = 4;
const SECRET_OFFSET = FILE_BYTES - SECRET_BYTES;
/** Bytes of the largest state. */
export const STATE_MAX = SECRET_OFFSET - STATE_OFFSET;
const ADLER_MODULUS = 65521;

/** The file of a supervisor and its workers. The caller owns the descriptor. Throws SysError. */
export function createRecordFile(): number {
  if (GROUPS_OFFSET + GROUPS_BYTES > RECORD_OFFSET) throw new RangeError("the table of groups does not fit");
  return createMemoryFile("mote-state", FILE_BYTES);
}

/** The state cannot be trusted: a worker died while it wrote, or somebody else wrote. What it protected stays closed. */
export class RecordError extends Error {}

export class StateRecord {
  private readonly fd: number;
  private sequence = 0;

  /** Over a file of `createRecordFile`, which stays the caller's. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** The state written last; empty where none was. Throws RecordError. */
  read(): Uint8Array {
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    if (readAt(this.fd, header, RECORD_OFFSET) !== HEADER_BYTES) throw new RecordError("the state record cannot be read");
    const magic = view.getUint32(0, true);
    const length = view.getUint32(12, true);
    if (magic === 0 && length === 0) return new Uint8Array(0);
    if (magic !== MAGIC || view.getUint32(4, true) !== FORMAT) throw new RecordError("the state record is of another format");
    if (length > STATE_MAX) throw new RecordError("the state record is damaged");
    const state = new Uint8Array(length);
    if (readAt(this.fd, state, STATE_OFFSET) !== length || checksum(state) !== view.getUint32(16, true)) {
      throw new RecordError("the state record is damaged");
    }
    this.sequence = view.getUint32(8, true);
    return state;
  }

  /** Replaces the state. A death halfway leaves a record that `read` refuses. Returns false for one that is too large. */
  write(state: Uint8Array): boolean {
    if (state.length > STATE_MAX) return false;
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    this.sequence = (this.sequence + 1) % 0x100000000;
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, FORMAT, true);
    view.setUint32(8, this.sequence, true);
    view.setUint32(12, state.length, true);
    view.setUint32(16, checksum(state), true);
    return writeAt(this.fd, header, RECORD_OFFSET) === HEADER_BYTES && writeAt(this.fd, state, STATE_OFFSET) === state.length;
  }

  /** The secret written last, the caller's own; empty where there is none. It may be damaged. */
  secret(): Uint8Array {
    const page = new Uint8Array(SECRET_BYTES);
    readAt(this.fd, page, SECRET_OFFSET);
    const secret = page.slice(LENGTH_BYTES, LENGTH_BYTES + new DataView(page.buffer).getUint32(0, true));
    wipe(page, 0, page.length);
    return secret;
  }

  /** Puts a secret, which stays the caller's, in the place of the one before, of which nothing is left. One of more than 4,092 bytes is none. */
  setSecret(secret: Uint8Array): void {
    const page = new Uint8Array(SECRET_BYTES);
    if (LENGTH_BYTES + secret.length <= page.length) {
      new DataView(page.buffer).setUint32(0, secret.length, true);
      page.set(secret, LENGTH_BYTES);
    }
    writeAt(this.fd, page, SECRET_OFFSET);
    wipe(page, 0, page.length);
  }
}

/** Adler-32; RFC 1950 section 8.2. */
function checksum(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % ADLER_MODULUS;
    b = (b + a) % ADLER_MODULUS;
  }
  return b * 65536 + a;
}
