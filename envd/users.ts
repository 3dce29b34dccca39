/** As whom a request is made; envd-http.md 3.4. */
import { Status } from "../http/status.ts";
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

/** The user of a name. Throws Failure where there is none, and SysError. */
export function lookUpUser(name: string): User {
  const user = findUser(name);
  if (user === undefined) {
    throw new Failure(Status.UNAUTHORIZED, `error looking up user '${name}': user: unknown user ${name}`);
  }
  return user;
}
