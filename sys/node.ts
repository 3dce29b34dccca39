/** Names in the file system: directories, links, device nodes, modes; mkdir(2), symlink(2), mknod(2), chmod(2). */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";

const S_IFCHR = 0o020000;

/** Makes a directory unless the name is taken. The umask applies. Returns whether it was made. Throws SysError. */
export function makeDirectory(path: string, mode: number): boolean {
  const name = cstring(path);
  const result = call(Call.mkdir, addressOf(name), mode, 0);
  if (result === -Errno.EEXIST) return false;
  check(result, "mkdir", path);
  return true;
}

/** Makes a symbolic link unless the name is taken. Returns whether it was made. Throws SysError. */
export function makeLink(path: string, target: string): boolean {
  const name = cstring(path);
  const content = cstring(target);
  const result = call(Call.symlink, addressOf(content), addressOf(name), 0);
  if (result === -Errno.EEXIST) return false;
  check(result, "symlink", path);
  return true;
}

/** Makes a character device, with numbers below 256, whatever the umask is, unless the name is taken. Throws SysError. */
export function makeCharacterDevice(path: string, mode: number, major: number, minor: number): void {
  const name = cstring(path);
  const result = call(Call.mknod, addressOf(name), S_IFCHR + mode, major * 256 + minor);
  if (result === -Errno.EEXIST) return;
  check(result, "mknod", path);
  changeMode(path, mode);
}

/** Sets permission bits. Throws SysError. */
export function changeMode(path: string, mode: number): void {
  const name = cstring(path);
  check(call(Call.chmod, addressOf(name), mode, 0), "chmod", path);
}
