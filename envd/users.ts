/** As whom a request is made; envd-http.md 3.4. */
import { Status } from "../http/status.ts";
import { SysError } from "../sys/errno.ts";
import { Accounts, type User } from "../sys/passwd.ts";
import type { Defaults } from "./defaults.ts";
import { Failure } from "./failure.ts";

/** The name that a request gives, even an empty one, else the default user's. Throws Failure where there is neither. */
export function usernameOf(given: string | undefined, defaults: Defaults): string {
  const name = given ?? defaults.user;
  if (given === undefined && name === "") throw new Failure(Status.BAD_REQUEST, "username not provided");
  return name;
}

/** The user of a name, not of a number; undefined where there is none. Throws SysError. */
export function findUser(name: string): User | undefined {
  return new Accounts().user(name);
}

/** The user of a name. Throws Failure where there is none, or nobody can tell. */
export function lookUpUser(name: string): User {
  let status: number = Status.UNAUTHORIZED;
  let reason = `user: unknown user ${name}`;
  try {
    const user = findUser(name);
    if (user !== undefined) return user;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    status = Status.INTERNAL_ERROR;
    reason = error.describe();
  }
  throw new Failure(status, `error looking up user '${name}': ${reason}`);
}
