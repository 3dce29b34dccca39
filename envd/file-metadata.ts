/** Metadata of files: fields X-Metadata-KEY, stored as extended attributes; envd-http.md 5.7. */
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { JsonValue } from "../json/value.ts";
import { decodeText, encodeText } from "../sys/bytes.ts";
import { Errno, isOutOfSpace, SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { getAttribute, listAttributes, removeAttribute, setAttribute } from "../sys/xattr.ts";
import { Failure } from "./failure.ts";

const FIELD_PREFIX = "x-metadata-";
/** What the names of the attributes begin with. */
const ATTRIBUTE_PREFIX = "user.e2b.";
const MAX_KEY_BYTES = 246;
const MAX_BYTES = 4096;

/** Reads a request's metadata: keys in lower case, the first value of each. Throws Failure for what cannot be stored. */
export function readMetadata(head: RequestHead): Map<string, string> {
  const metadata = new Map<string, string>();
  let size = 0;
  for (let index = 0; index < head.fieldCount; index++) {
    const name = head.fieldName(index);
    const key = name.slice(FIELD_PREFIX.length);
    if (!name.startsWith(FIELD_PREFIX) || key === "" || metadata.has(key)) continue;
    const value = head.fieldValue(index);
    if (!isPrintable(key) || !isPrintable(value)) throw invalid(`"${key}" contains non-printable-ASCII byte`);
    if (key.length > MAX_KEY_BYTES) throw invalid(`key of ${key.length} bytes exceeds ${MAX_KEY_BYTES} bytes`);
    size += ATTRIBUTE_PREFIX.length + key.length + value.length;
    metadata.set(key, value);
  }
  if (size > MAX_BYTES) throw invalid(`total metadata size ${size} exceeds ${MAX_BYTES} bytes`);
  return metadata;
}

/**
 * Gives a file, by a path of an open one in /proc, this metadata in place of what it has; other attributes stay. Returns
 * what the file has then, undefined where that is nothing: where its file system has no attributes, too. Throws Failure.
 */
export function replaceMetadata(path: string, metadata: Map<string, string>): JsonValue | undefined {
  try {
    for (const name of listAttributes(path)) {
      if (name.startsWith(ATTRIBUTE_PREFIX) && !metadata.has(name.slice(ATTRIBUTE_PREFIX.length))) removeAttribute(path, name);
    }
    if (metadata.size === 0) return undefined;
    const stored = JsonValue.object();
    for (const [key, value] of metadata) {
      const name = ATTRIBUTE_PREFIX + key;
      setAttribute(path, name, encodeText(value));
      const bytes = getAttribute(path, name, MAX_BYTES);
      if (bytes !== undefined) stored.set(key, JsonValue.string(decodeText(bytes, 0, bytes.length)));
    }
    return stored;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    // Devices may not have them either, and an open file has no path where there is no /proc.
    const isWithout = error.errno === Errno.EOPNOTSUPP || error.errno === Errno.EPERM || error.errno === Errno.ENOENT;
    if (!isWithout) throw failure(error);
    if (metadata.size > 0) log(Level.INFO, `metadata is not kept: ${error.describe()}`);
    return undefined;
  }
}

function failure(error: SysError): Failure {
  if (!isOutOfSpace(error.errno)) {
    return new Failure(Status.INTERNAL_ERROR, `error writing file metadata: ${error.describe()}`);
  }
  return new Failure(Status.INSUFFICIENT_STORAGE, `not enough space for file metadata: ${error.describe()}`);
}

function invalid(reason: string): Failure {
  return new Failure(Status.BAD_REQUEST, `invalid metadata: ${reason}`);
}

/** Whether a text is printable ASCII; then it has as many bytes as characters. */
function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
