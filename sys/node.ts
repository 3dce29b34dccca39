/** Names in the file system: directories, links, device nodes, modes, owners; mkdir(2), mknod(2), chown(2), rename(2). */
import { addressOf, call } from "#libc";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno, SysError } from "./errno.ts";

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

/** Makes what is neither a regular file nor a directory nor a link: `mode` has its type. Throws SysError. */
export function makeNode(path: string, mode: number, device: number): void {
  const name = cstring(path);
  check(call(Call.mknod, addressOf(name), mode, device), "mknod", path);
}

/** Sets permission bits. Throws SysError. */
export function changeMode(path: string, mode: number): void {
  const name = cstring(path);
  check(call(Call.chmod, addressOf(name), mode, 0), "chmod", path);
}

/** Gives what a path names, symbolic links followed, to a user and a group; -1 leaves one as it is. Throws SysError. */
export function changeOwner(path: string, uid: number, gid: number): void {
  const name = cstring(path);
  check(call(Call.chown, addressOf(name), uid, gid), "chown", path);
}

/** Like `changeOwner`, of a symbolic link itself where the path names one. Throws SysError. */
export function changeLinkOwner(path: string, uid: number, gid: number): void {
  const name = cstring(path);
  check(call(Call.lchown, addressOf(name), uid, gid), "chown", path);
}

/** Like `changeOwner`, of an open file; `path` is what an error names. Throws SysError. */
export function changeOwnerOf(fd: number, path: string, uid: number, gid: number): void {
  check(call(Call.fchown, fd, uid, gid), "chown", path);
}

/** Puts what a path names in the place of what another does. Throws SysError. */
export function rename(from: string, to: string): void {
  const source = cstring(from);
  const target = cstring(to);
  const result = call(Call.rename, addressOf(source), addressOf(target), 0);
  if (result < 0) throw new SysError("rename", -result, from, to);
}
