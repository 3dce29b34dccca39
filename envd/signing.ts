/** Signed URLs for files; envd-http.md 3.3. */
import type { RequestHead } from "../http/head.ts";
import type { Query } from "../http/query.ts";
import { Status } from "../http/status.ts";
import { decodeBase64 } from "../sys/base64.ts";
import { consistsOf, DIGITS, encodeText, fileBytes, wipe } from "../sys/bytes.ts";
import { equalDigests, sha256 } from "../sys/digest.ts";
import type { AccessToken } from "./access-token.ts";
import { Failure } from "./failure.ts";

const PREFIX = "v1_";
/** Of a SHA-256 digest in base64 without its padding. */
const DIGEST_CHARACTERS = 43;
const MAX_INT64 = "9223372036854775807";
const MIN_INT64 = "9223372036854775808";

/** The digest that a signature spells. `expiration` is a canonical decimal, undefined where none was sent. */
export function signatureDigest(path: string, operation: string, username: string, token: Uint8Array, expiration: string | undefined): Uint8Array {
  const before = fileBytes(`${path}:${operation}:${username}:`);
  const after = encodeText(expiration === undefined ? "" : `:${expiration}`);
  const text = new Uint8Array(before.length + token.length + after.length);
  text.set(before, 0);
  text.set(token, before.length);
  text.set(after, before.length + token.length);
  const digest = sha256(text);
  wipe(text, 0, text.length);
  return digest;
}

/** Whether a signature, as it was sent, spells a digest. */
export function isSignature(signature: string, digest: Uint8Array): boolean {
  if (!signature.startsWith(PREFIX) || signature.length !== PREFIX.length + DIGEST_CHARACTERS) return false;
  const sent = decodeBase64(`${signature.slice(PREFIX.length)}=`);
  return sent !== undefined && equalDigests(sent, digest);
}

/** The canonical decimal of a 64-bit integer: `007` is `7`. Undefined for anything else, and out of its range. */
export function parseExpiration(text: string): string | undefined {
  const isNegative = text.startsWith("-");
  let digits = isNegative || text.startsWith("+") ? text.slice(1) : text;
  if (!consistsOf(digits, DIGITS, 1024)) return undefined;
  let zeros = 0;
  while (zeros < digits.length - 1 && digits.charAt(zeros) === "0") zeros += 1;
  digits = digits.slice(zeros);
  const limit = isNegative ? MIN_INT64 : MAX_INT64;
  if (digits.length > limit.length || (digits.length === limit.length && digits > limit)) return undefined;
  return isNegative && digits !== "0" ? `-${digits}` : digits;
}

/**
 * Whether a request may read or write (`operation`: `read`, `write`) what its query names: by its token, by its
 * signature, or because no token is set. Throws Failure: 401, and 400 in plain text for an expiration that is no number.
 */
export function authorizeFiles(token: AccessToken, head: RequestHead, query: Query, operation: string): void {
  const expiration = expirationOf(query);
  if (!token.isSet) return;
  const given = head.field("x-access-token") ?? "";
  if (given !== "") {
    if (token.matches(encodeText(given))) return;
    throw unauthorized("access token present in header but does not match");
  }
  const signature = query.get("signature");
  if (signature === undefined) throw unauthorized("missing signature query parameter");
  // Of a worker before this one only the digest is known: everybody could sign with nothing.
  if (token.bytes.length === 0) throw unauthorized("invalid signature");
  const digest = signatureDigest(query.get("path") ?? "", operation, query.get("username") ?? "", token.bytes, expiration);
  if (!isSignature(signature, digest)) throw unauthorized("invalid signature");
  // Still valid in its last second.
  if (expiration !== undefined && Number(expiration) < Math.floor(Date.now() / 1000)) {
    throw unauthorized("signature is already expired");
  }
}

function expirationOf(query: Query): string | undefined {
  const text = query.get("signature_expiration");
  const expiration = text === undefined ? undefined : parseExpiration(text);
  if (text === undefined || expiration !== undefined) return expiration;
  throw new Failure(Status.BAD_REQUEST, "Invalid format for parameter signature_expiration: not a 64-bit integer", true);
}

function unauthorized(message: string): Failure {
  return new Failure(Status.UNAUTHORIZED, message);
}
