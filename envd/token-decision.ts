/** Whether a host may set up the guest anew; the table of envd-http.md 5.4. */
import { encodeText, hex } from "../sys/bytes.ts";
import { equalDigests, sha512 } from "../sys/digest.ts";
import type { AccessToken } from "./access-token.ts";

const NONE = new Uint8Array(0);

/** Whether a request has the very token that is set: then nobody else needs to be asked. */
export function isKnownToken(token: AccessToken, given: Uint8Array | undefined): boolean {
  return given !== undefined && token.matches(given);
}

/**
 * Why a request with another token, or with none, is refused; empty where it is not. `hash` is what the metadata service
 * publishes: the SHA-512, in lower-case hexadecimal, of the token to come; empty where it publishes none.
 */
export function tokenRefusal(token: AccessToken, given: Uint8Array | undefined, hash: string): string {
  if (hash !== "" && equalDigests(encodeText(hash), encodeText(hexDigest(given ?? NONE)))) return "";
  if (hash === "" && !token.isNeeded) return "";
  return given === undefined ? "access token reset not authorized" : "access token validation failed";
}

function hexDigest(bytes: Uint8Array): string {
  let text = "";
  for (const byte of sha512(bytes)) text += hex(byte, 2);
  return text;
}
