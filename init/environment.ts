/** The environment of what PID 1 starts. */
import type { CStringVector } from "../sys/bytes.ts";
import { getenv, overlay } from "../sys/environ.ts";
import { type Profile, ProfileKind } from "./profile.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const GAMES = ":/usr/games:/usr/local/games";

/** The environment of everything that PID 1 starts: the kernel gives it no PATH, and a home that is the root directory. */
export function environmentOf(profile: Profile): CStringVector {
  const names: string[] = [];
  const values: string[] = [];
  if (getenv("PATH") === undefined) {
    names.push("PATH");
    values.push(profile.kind === ProfileKind.WRENN ? PATH + GAMES : PATH);
  }
  if ((getenv("HOME") ?? "/") === "/") {
    names.push("HOME");
    values.push("/root");
  }
  return overlay(names, values);
}
