/** The guest as its host has set it up, and how that changes; envd-http.md 5.4. */
import type { State } from "../json/state.ts";
import { objectOf, textsOf } from "../json/texts.ts";
import { JsonValue } from "../json/value.ts";
import { Time } from "../sys/clock.ts";
import { SysError } from "../sys/errno.ts";
import type { ExitWatcher } from "../sys/exit.ts";
import { Level, log } from "../sys/log.ts";
import type { Loop } from "../sys/loop.ts";
import { AccessToken } from "./access-token.ts";
import { CaBundle } from "./ca-bundle.ts";
import { stepClock } from "./clock-step.ts";
import { Defaults } from "./defaults.ts";
import { setEventsAddress } from "./events.ts";
import type { InitRequest } from "./init-request.ts";
import { isBefore } from "./timestamp.ts";
import { Volumes } from "./volumes.ts";

/** The member of the state that tells the next worker of it. */
const MEMBER = "setup";
/** Characters of variables, quoted, that the state has room for beside all else, whatever they are. */
const MAX_KEPT = 128 * 1024;
const QUOTES = 4;

export class Setup {
  readonly token: AccessToken;
  readonly defaults = new Defaults();
  private readonly caBundle: CaBundle;
  private readonly volumes: Volumes;
  private readonly setsClock: boolean;
  private readonly state: State | undefined;
  /** When the latest request was made. */
  private latest = new Time(0, 0);

  /** `setsClock`: the system's clock is the host's to set. `state`: what a worker before this one has left, if anything. */
  constructor(loop: Loop, exits: ExitWatcher, setsClock: boolean, state: State | undefined) {
    this.token = new AccessToken(state);
    this.caBundle = new CaBundle(loop);
    this.volumes = new Volumes(loop, exits, state);
    this.setsClock = setsClock;
    this.state = state;
    const left = state?.get(MEMBER);
    if (left !== undefined) this.recall(left);
  }

  /** Whether a request is not older than one that was admitted before; one of no time always is. */
  admits(timestamp: Time | undefined): boolean {
    if (timestamp === undefined) return true;
    if (isBefore(timestamp, this.latest)) return false;
    this.latest = timestamp;
    return true;
  }

  /**
   * Does what an authorized request says. `onDone` gets what failed, empty for nothing, possibly before this returns; what
   * was done before that stays.
   */
  apply(request: InitRequest, onDone: (failure: string) => void): void {
    const { token, defaults } = this;
    if (request.timestamp !== undefined && this.setsClock) stepClock(request.timestamp);
    if (request.hasVariables) defaults.environment.user = request.variables;
    // The bytes of the request are the store's from now on.
    if (request.accessToken === undefined) token.clear();
    else token.replace(request.accessToken);
    if (request.eventsAddress !== "") setEventsAddress(defaults.environment, request.eventsAddress);
    if (request.defaultUser !== "") defaults.user = request.defaultUser;
    if (request.defaultWorkdir !== "") defaults.workdir = request.defaultWorkdir;
    if (this.state !== undefined) this.keep(this.state);
    try {
      if (request.caBundle !== "") this.caBundle.install(request.caBundle);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return onDone(`failed to install CA bundle: ${error.describe()}`);
    }
    this.volumes.mountAll(request.volumes, request.lifecycle, (failure) => {
      onDone(failure === "" ? "" : `failed to setup NFS volumes: ${failure}`);
    });
  }

  private keep(state: State): void {
    const { defaults, latest } = this;
    const { user, internal } = defaults.environment;
    let size = 0;
    for (const [name, value] of user) size += name.length + value.length + QUOTES;
    const kept = JsonValue.object()
      .set("user", JsonValue.string(defaults.user))
      .set("workdir", JsonValue.string(defaults.workdir))
      .set("seconds", JsonValue.number(latest.seconds))
      .set("nanoseconds", JsonValue.number(latest.nanoseconds))
      .set("internal", objectOf(internal));
    if (size <= MAX_KEPT) kept.set("variables", objectOf(user));
    else log(Level.WARN, "the environment is too large to outlive this process");
    state.set(MEMBER, kept);
  }

  /** Goes on with what a worker before this one was told. */
  private recall(kept: JsonValue): void {
    const { defaults } = this;
    defaults.user = kept.get("user")?.asString() ?? defaults.user;
    defaults.workdir = kept.get("workdir")?.asString() ?? defaults.workdir;
    this.latest = new Time(kept.get("seconds")?.asNumber() ?? 0, kept.get("nanoseconds")?.asNumber() ?? 0);
    for (const [name, value] of textsOf(kept.get("internal"))) defaults.environment.setInternal(name, value);
    defaults.environment.user = textsOf(kept.get("variables"));
  }
}
