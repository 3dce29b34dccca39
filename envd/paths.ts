/** What the paths of requests mean; envd-http.md 4. */
import { Errno, SysError } from "../sys/errno.ts";
import { absolutePath } from "../sys/path.ts";

/** A path that means nothing: `~name`. */
export class PathError extends Error {}

/**
 * The path that a request's path means for a user: `workdir` where it is empty, the home directory where that is, too. `~`
 * and relative paths start at the home, which is absolute, and are cleaned lexically; absolute ones stay as they are.
 * Nothing confines them. Throws PathError.
 */
export function resolvePath(path: string, home: string, workdir: string): string {
  const given = path === "" ? workdir : path;
  if (given === "") return home;
  if (given.startsWith("/")) return given;
  if (!given.startsWith("~")) return join(home, given);
  const next = given.charAt(1);
  if (next !== "" && next !== "/" && next !== "\\") throw new PathError("cannot expand user-specific home dir");
  return join(home, given.slice(1));
}

/** The last component of a path. */
export function nameOf(path: string): string {
  let end = path.length;
  while (end > 1 && path.charAt(end - 1) === "/") end--;
  return end === 1 && path.startsWith("/") ? "/" : path.slice(path.lastIndexOf("/", end - 1) + 1, end);
}

/** Throws SysError for a path with a NUL inside, which the kernel could not see past. */
export function checkName(path: string): void {
  if (path.includes("\0")) throw new SysError("stat", Errno.EINVAL, path);
}

function join(home: string, rest: string): string {
  const path = absolutePath(`${home}/${rest}`);
  // Where POSIX leaves two leading slashes to the system, Go makes them one.
  return path.startsWith("//") ? path.slice(1) : path;
}
