/** Where a path leads. */
import { addressOf, call } from "#libc";
import { cstring, fileText } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno, SysError } from "./errno.ts";

const PATH_MAX = 4096;
/** The kernel itself follows 40 at the most. */
const LINKS_MAX = 255;
const STEPS_MAX = 16_384;

/**
 * The path without symbolic links of what an absolute path leads to, which exists. Unlike the kernel this follows up to 255
 * of them. Throws SysError, ELOOP where there are more.
 */
export function resolveLinks(path: string): string {
  let place = "";
  let rest = path;
  let links = 0;
  for (let steps = 0; rest !== ""; steps++) {
    if (links > LINKS_MAX || steps > STEPS_MAX) throw new SysError("readlink", Errno.ELOOP, path);
    if (rest.length >= PATH_MAX * 2) throw new SysError("readlink", Errno.ENAMETOOLONG, path);
    const slash = rest.indexOf("/");
    const part = slash < 0 ? rest : rest.slice(0, slash);
    rest = slash < 0 ? "" : rest.slice(slash + 1);
    if (part === "" || part === ".") continue;
    if (part === "..") {
      place = place.slice(0, Math.max(place.lastIndexOf("/"), 0));
      continue;
    }
    const target = readLink(`${place}/${part}`);
    if (target === undefined) {
      place = `${place}/${part}`;
      continue;
    }
    links += 1;
    if (target.startsWith("/")) place = "";
    rest = rest === "" ? target : `${target}/${rest}`;
  }
  return place === "" ? "/" : place;
}

/** What a symbolic link says; undefined for anything else that is there. Throws SysError. */
function readLink(path: string): string | undefined {
  const name = cstring(path);
  const buffer = new Uint8Array(PATH_MAX);
  const length = call(Call.readlink, addressOf(name), addressOf(buffer), buffer.length);
  if (length === -Errno.EINVAL) return undefined;
  if (length < 0) throw new SysError("readlink", -length, path);
  return fileText(buffer, 0, length);
}
