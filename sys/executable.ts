/** Finding a command by its name, the way of execvp(3), in a child: nothing here allocates once it is made. */
import { addressOf, call } from "#libc";
import { type CStringVector, plainString, writeWord } from "./bytes.ts";
import { Call } from "./calls.ts";
import { Errno } from "./errno.ts";

const SLASH = 47;
const COLON = 58;
const PATH_MAX = 4096;
/** What runs a file that is executable and of no format that the kernel knows. */
const SHELL = "/bin/sh";

export class Executable {
  private readonly name: Uint8Array;
  /** The directories to look in, between colons. */
  private readonly path: Uint8Array;
  private readonly hasSlash: boolean;
  /** Where the path of a file is put together. */
  private readonly place = new Uint8Array(PATH_MAX);
  private readonly shell = plainString(SHELL);
  private readonly argv: CStringVector;
  /** The arguments of the shell: its name, the file's, and the command's own but the first. */
  private readonly script: Uint8Array;
  private readonly scriptView: DataView;

  /** `path`: the directories to look in, between colons. `argv` stays the caller's. */
  constructor(name: string, path: string, argv: CStringVector) {
    this.name = plainString(name);
    this.path = plainString(path);
    this.hasSlash = name.includes("/");
    this.argv = argv;
    this.script = new Uint8Array((argv.length + 2) * 8);
    this.scriptView = new DataView(this.script.buffer);
    writeWord(this.scriptView, 0, addressOf(this.shell));
    for (let i = 1; i < argv.length; i++) writeWord(this.scriptView, (i + 1) * 8, argv.at(i));
  }

  /** execve(2) of what is found first. Returns -errno: of a file that may not be executed, where there is one. */
  execute(environment: number): number {
    if (this.hasSlash) return this.tryFile(addressOf(this.name), environment);
    let failure = -Errno.ENOENT;
    let start = 0;
    for (let end = 0; end < this.path.length; end++) {
      const byte = this.path[end];
      if (byte !== COLON && byte !== 0) continue;
      const result = this.join(start, end) ? this.tryFile(addressOf(this.place), environment) : -Errno.ENAMETOOLONG;
      start = end + 1;
      if (result === -Errno.EACCES) failure = result;
      else if (!isMissing(result)) return result;
    }
    return failure;
  }

  private tryFile(file: number, environment: number): number {
    const result = call(Call.execve, file, this.argv.address(), environment);
    if (result !== -Errno.ENOEXEC) return result;
    writeWord(this.scriptView, 8, file);
    return call(Call.execve, addressOf(this.shell), addressOf(this.script), environment);
  }

  /** Puts the name behind the directory in bytes [start, end) of the path; an empty one is the current directory. */
  private join(start: number, end: number): boolean {
    if (end - start + 1 + this.name.length > PATH_MAX) return false;
    let to = 0;
    for (let at = start; at < end; at++) this.place[to++] = this.path[at] ?? 0;
    if (to > 0) this.place[to++] = SLASH;
    for (let at = 0; at < this.name.length; at++) this.place[to++] = this.name[at] ?? 0;
    return true;
  }
}

/** Whether a failure of execve(2) says that there is no such file. */
export function isMissing(result: number): boolean {
  return result === -Errno.ENOENT || result === -Errno.ENOTDIR || result === -Errno.ENAMETOOLONG;
}
