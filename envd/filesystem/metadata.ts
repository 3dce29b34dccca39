/** Metadata of files: extended attributes that belong to it; envd-rpc.md 4.2. */
import { decodeText, sequenceLength } from "../../sys/bytes.ts";
import { knownAttribute, knownAttributes } from "../../sys/xattr.ts";

const PREFIX = "user.e2b.";
/** What a file may have, of one value and of all; bytes. */
const VALUE_MAX = 65536;
const ALL_MAX = 1024 * 1024;

/** The metadata of what a path leads to. What cannot be read, or is no text, is passed over. */
export function metadataOf(path: string): Map<string, string> {
  const metadata = new Map<string, string>();
  let size = 0;
  for (const name of knownAttributes(path)) {
    if (!name.startsWith(PREFIX) || size > ALL_MAX) continue;
    const value = knownAttribute(path, name, VALUE_MAX);
    if (value === undefined || !isText(value)) continue;
    size += value.length;
    metadata.set(name.slice(PREFIX.length), decodeText(value, 0, value.length));
  }
  return metadata;
}

function isText(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at, bytes.length);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
