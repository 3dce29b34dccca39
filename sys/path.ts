/** Paths as text. */
import { workingDirectory } from "./file.ts";

/**
 * A path made absolute and normal without looking at the file system: `a/../b` is `b`, symbolic links are not followed.
 * Two leading slashes stay two, which POSIX.1-2017 section 4.13 leaves to the system. Throws SysError where the working
 * directory is gone.
 */
export function absolutePath(path: string): string {
  const whole = path.startsWith("/") ? path : `${workingDirectory()}/${path}`;
  const root = whole.startsWith("//") && !whole.startsWith("///") ? "//" : "/";
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return root + parts.join("/");
}

/** The directory that an absolute path lies in. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
