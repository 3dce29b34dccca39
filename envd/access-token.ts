/**
 * The one secret that lets callers in; envd-http.md 3.1. It is kept as bytes, because those can be wiped. It outlives the
 * worker, so that whoever has it, or has a URL signed by it, is let in by the next one too, and nobody else; lifecycle.md
 * 1.13. The record's memory is as open to others as the worker's own: to those who may trace it.
 */
import type { State } from "../json/state.ts";
import { JsonValue } from "../json/value.ts";
import { wipe } from "../sys/bytes.ts";
import { equalDigests, sha256 } from "../sys/digest.ts";

const NONE = new Uint8Array(0);
const DIGEST_BYTES = 32;
/** Its member in the state record: the digest's bytes, or true where nobody knows what it was. */
const MEMBER = "token";

export class AccessToken {
  private secret: Uint8Array = NONE;
  /** SHA-256 of the token: comparing digests tells nothing of the length. */
  private digest: Uint8Array = NONE;
  private readonly state: State | undefined;
  /** A token may have been set, and none is known: nobody is let in until the guest is set up anew. */
  private isForgotten = false;

  /** `state`: where a worker before this one has left what it knew, if anywhere. */
  constructor(state: State | undefined) {
    this.state = state;
    if (state === undefined) return;
    const left = state.get(MEMBER);
    if (state.isDamaged || left?.asBool() === true) this.forget();
    else if (left !== undefined && !left.isNull()) {
      this.digest = new Uint8Array(DIGEST_BYTES);
      left.items().forEach((byte, at) => { if (at < DIGEST_BYTES) this.digest[at] = byte.asNumber() ?? 0; });
      const secret = state.record.secret();
      if (equalDigests(sha256(secret), this.digest)) this.secret = secret;
    }
  }

  get isSet(): boolean {
    return this.digest.length > 0;
  }

  /** Whether a set-up of the guest needs the token that is set. */
  get isNeeded(): boolean {
    return this.isSet && !this.isForgotten;
  }

  /** The token, which stays the store's; empty where none is set, and where only its digest is known. */
  get bytes(): Uint8Array {
    return this.secret;
  }

  /** Puts a token, which is the store's from now on, in the place of the one before, which is wiped. Not an empty one. */
  replace(token: Uint8Array): void {
    this.wipe();
    this.secret = token;
    this.digest = sha256(token);
    const { state } = this;
    if (state === undefined) return;
    state.record.setSecret(token);
    const digest = JsonValue.array();
    for (const byte of this.digest) digest.push(JsonValue.number(byte));
    if (state.set(MEMBER, digest)) return;
    // Rather is all else lost than that the next worker asks for no token.
    state.record.write(NONE);
    state.set(MEMBER, digest);
  }

  /** From now on none is set. */
  clear(): void {
    if (!this.isSet) return;
    this.wipe();
    this.state?.set(MEMBER, JsonValue.null());
  }

  /** Whether these are the token's bytes, in a time that does not depend on it. Never where none is set or known. */
  matches(candidate: Uint8Array): boolean {
    return !this.isForgotten && equalDigests(sha256(candidate), this.digest);
  }

  private wipe(): void {
    wipe(this.secret, 0, this.secret.length);
    wipe(this.digest, 0, this.digest.length);
    this.state?.record.setSecret(NONE);
    this.secret = NONE;
    this.digest = NONE;
    this.isForgotten = false;
  }

  private forget(): void {
    this.wipe();
    this.digest = new Uint8Array(DIGEST_BYTES);
    this.isForgotten = true;
    this.state?.set(MEMBER, JsonValue.bool(true));
  }
}
