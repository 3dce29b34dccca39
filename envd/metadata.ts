/**
 * What the host publishes beside `/init`, through Firecracker's metadata service: who this guest is, and the hash of the
 * access token to come; lifecycle.md 4. Nothing waits for it but the check of a token.
 */
import { JsonError } from "../json/error.ts";
import { parseJson } from "../json/parse.ts";
import type { JsonValue } from "../json/value.ts";
import type { Address } from "../sys/address.ts";
import { monotonicNow } from "../sys/clock.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { Timer } from "../sys/timer.ts";
import type { Environment } from "./environment.ts";
import { Attempt, ATTEMPT_MS, tokenOf } from "./mmds/attempt.ts";
import { returnEarly } from "./mmds/nat.ts";
import { publishIds, publishedIds } from "./run-directories.ts";

/** How long to ask after an `/init` or a restore; milliseconds. */
export const AFTER_INIT_MS = 60_000;

/** Between two attempts: at first, then up to so much, and where nobody has answered for long. */
const FIRST_PAUSE_MS = 50;
const LONGER_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;
/** How long at first, and how long nobody must have answered. */
const FIRST_MS = 10_000;
const LONG_MS = 600_000;

export type OnHash = (hash: string) => void;

export class Metadata {
  private readonly loop: Loop;
  private readonly exits: ExitWatcher;
  private readonly environment: Environment;
  /** Undefined where the service is not to be asked at all. */
  private readonly address: Address | undefined;
  /** The one that is under way: there are never two. */
  private attempt: Attempt | undefined;
  private readonly pause = new Timer(() => this.ask());
  private pauseMs = 0;
  /** When the polling began and when it ends; monotonic. It ends at 0 where there is none. */
  private begun = 0;
  private end = 0;
  /** What the attempt under way brings may be older than what is to be known. */
  private isStale = false;
  /** Who waits for the hash. */
  private onHash: OnHash | undefined;
  private hasHealed = false;
  /** Which guest this is, as it was told last; empty where it was never told. It changes where a guest is restored. */
  instance = "";
  /** Told that it is another guest than before: this is a copy of that one. */
  onMoved: () => void = () => {};

  /** `environment` gets what is learnt. */
  constructor(loop: Loop, exits: ExitWatcher, environment: Environment, address: Address | undefined) {
    this.loop = loop;
    this.exits = exits;
    this.environment = environment;
    this.address = address;
    // What another worker has learnt before this one.
    if (address !== undefined) this.instance = publishedIds(environment);
  }

  /** Asks until the ids are known, for so many milliseconds at the most; once, however often it is called. */
  start(bound: number): void {
    if (this.address === undefined) return;
    this.begun = monotonicNow();
    this.end = Math.max(this.end, this.begun + bound);
    this.pauseMs = FIRST_PAUSE_MS;
    if (this.attempt === undefined) this.ask();
    else this.isStale = true;
  }

  /** Asks no more until `start`, and holds no socket. A check of a token that is under way goes on to its end. */
  cancel(): void {
    this.end = 0;
    this.loop.timers.cancel(this.pause);
    if (this.onHash !== undefined) return;
    this.attempt?.cancel();
    this.attempt = undefined;
  }

  /**
   * Asks for the hash of the access token that the host means to set: empty where none is published. Calls back once,
   * within 5 s. One call at a time.
   */
  accessTokenHash(onHash: OnHash): void {
    if (this.address === undefined) return onHash("");
    this.onHash = onHash;
    this.hasHealed = false;
    this.attempt?.cancel();
    this.ask();
  }

  /** Asks for a token that lives so many seconds, for so many milliseconds. Calls back once; empty where there is none. */
  fetchToken(seconds: number, limit: number, onToken: (token: string) => void): void {
    if (this.address === undefined) return onToken("");
    const onAnswer = (status: number, body: Uint8Array): void => onToken(status === 200 ? tokenOf(body, 0, body.length) : "");
    new Attempt(this.loop, this.address, limit, onAnswer).askToken(seconds);
  }

  /**
   * Whether a token is refused that was good: then another hypervisor than the one that gave it runs this guest. Calls back
   * once, with false where nobody answers.
   */
  check(token: string, onChecked: (isDead: boolean) => void): void {
    if (this.address === undefined) return onChecked(false);
    new Attempt(this.loop, this.address, ATTEMPT_MS, (status) => onChecked(status === 401)).askWith(token);
  }

  private ask(): void {
    const address = this.address;
    if (address === undefined) return;
    this.loop.timers.cancel(this.pause);
    this.isStale = false;
    const attempt = new Attempt(this.loop, address, ATTEMPT_MS, (status, body) => this.onAnswer(status, body));
    this.attempt = attempt;
    attempt.askData();
  }

  private onAnswer(status: number, body: Uint8Array): void {
    this.attempt = undefined;
    const data = status === 200 ? parsed(body) : undefined;
    if (data !== undefined && this.takeIds(data) && !this.isStale) this.end = 0;
    const onHash = this.onHash;
    if (onHash === undefined) return this.goOn();
    if (data === undefined && !this.hasHealed) return this.heal();
    this.onHash = undefined;
    this.goOn();
    onHash(data?.get("accessTokenHash")?.asString() ?? "");
  }

  /** Who waits for the hash gets a second attempt: rules of the guest's own may have led the first one astray. */
  private heal(): void {
    const address = this.address;
    if (address === undefined) return;
    this.hasHealed = true;
    returnEarly(this.loop, this.exits, address, () => {
      if (this.attempt === undefined) this.ask();
    });
  }

  private goOn(): void {
    const now = monotonicNow();
    this.pauseMs = pauseAfter(this.pauseMs, now - this.begun);
    if (now + this.pauseMs < this.end) this.loop.timers.start(this.pause, this.pauseMs);
    else this.end = 0;
  }

  /** Takes who this guest is. Returns false where the data does not say so: the host writes it when the guest runs. */
  private takeIds(data: JsonValue): boolean {
    const instance = data.get("instanceID")?.asString() ?? "";
    const template = data.get("envID")?.asString();
    if (instance === "" || template === undefined || `${instance}${template}`.includes("\0")) return false;
    const isCopy = this.instance !== "" && instance !== this.instance;
    if (instance !== this.instance) log(Level.INFO, `this is ${instance}`);
    this.instance = instance;
    if (isCopy) this.onMoved();
    publishIds(this.environment, instance, template);
    return true;
  }
}

/** How long to pause next, after a pause, where the polling is `age` old; all in milliseconds. */
export function pauseAfter(pause: number, age: number): number {
  if (age >= LONG_MS) return LONGEST_PAUSE_MS;
  return age >= FIRST_MS ? Math.min(pause * 2, LONGER_PAUSE_MS) : pause;
}

/** The data, undefined where it is no JSON. */
function parsed(body: Uint8Array): JsonValue | undefined {
  try {
    return parseJson(body, 0, body.length);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return undefined;
  }
}
