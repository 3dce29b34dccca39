/** The one secret that lets callers in; envd-http.md 3.1. It is kept as bytes, because those can be wiped. */
import { wipe } from "../sys/bytes.ts";
import { equalDigests, sha256 } from "../sys/digest.ts";

const NONE = new Uint8Array(0);

export class AccessToken {
  private secret: Uint8Array = NONE;
  /** SHA-256 of the token: comparing digests tells nothing of the length. */
  private digest: Uint8Array = NONE;

  get isSet(): boolean {
    return this.secret.length > 0;
  }

  /** The token, which stays the store's; empty where none is set. */
  get bytes(): Uint8Array {
    return this.secret;
  }

  /** Puts a token, which is the store's from now on, in the place of the one before, which is wiped. Not an empty one. */
  replace(token: Uint8Array): void {
    this.clear();
    this.secret = token;
    this.digest = sha256(token);
  }

  /** From now on none is set. */
  clear(): void {
    wipe(this.secret, 0, this.secret.length);
    wipe(this.digest, 0, this.digest.length);
    this.secret = NONE;
    this.digest = NONE;
  }

  /** Whether these are the token's bytes, in a time that does not depend on it. Never where none is set. */
  matches(candidate: Uint8Array): boolean {
    return equalDigests(sha256(candidate), this.digest);
  }
}
