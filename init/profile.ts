/** Profiles: what a host expects of the agent, told by the name that it is started by; lifecycle.md 0. */
export const enum ProfileKind {
  GENERIC,
  SMOLVM,
  WRENN,
  E2B,
}

export class Profile {
  readonly kind: ProfileKind;
  readonly name: string;
  /** What a machine without a name of its own is called; "" for no change. */
  readonly hostname: string;
  /** Whether /tmp is a file system in memory. */
  readonly hasTmpfs: boolean;
  /** Whether envd's protocol is served, with what belongs to it. */
  readonly hasEnvd: boolean;

  constructor(kind: ProfileKind, name: string, hostname: string, hasTmpfs: boolean, hasEnvd: boolean) {
    this.kind = kind;
    this.name = name;
    this.hostname = hostname;
    this.hasTmpfs = hasTmpfs;
    this.hasEnvd = hasEnvd;
  }
}

function makeProfile(kind: ProfileKind): Profile {
  switch (kind) {
    case ProfileKind.SMOLVM:
      return new Profile(kind, "smolvm", "smolvm", false, false);
    case ProfileKind.WRENN:
      return new Profile(kind, "wrenn", "capsule", true, true);
    case ProfileKind.E2B:
      return new Profile(kind, "e2b", "", false, true);
    default:
      return new Profile(kind, "generic", "", false, false);
  }
}

/** The profile of this name, as `mote.profile=` gives it; undefined for a name that is none. */
export function profileByName(name: string): Profile | undefined {
  switch (name) {
    case "generic":
      return makeProfile(ProfileKind.GENERIC);
    case "smolvm":
      return makeProfile(ProfileKind.SMOLVM);
    case "wrenn":
      return makeProfile(ProfileKind.WRENN);
    case "e2b":
      return makeProfile(ProfileKind.E2B);
    default:
      return undefined;
  }
}

/** The profile of a program by what it was called: `argv[0]`, which of PID 1 is the path after `init=`. */
export function profileOf(program: string): Profile {
  switch (program.slice(program.lastIndexOf("/") + 1)) {
    case "smolvm-guest-agent":
      return makeProfile(ProfileKind.SMOLVM);
    case "wrenn-init":
      return makeProfile(ProfileKind.WRENN);
    case "envd":
      return makeProfile(program === "/usr/bin/envd" ? ProfileKind.E2B : ProfileKind.WRENN);
    default:
      return makeProfile(ProfileKind.GENERIC);
  }
}
