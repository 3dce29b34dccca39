/** One file of an upload, stored in place; envd-http.md 5.7. */
import { Status } from "../http/status.ts";
import { JsonValue } from "../json/value.ts";
import { Errno, isOutOfSpace, SysError } from "../sys/errno.ts";
import { close, stat, writeSome } from "../sys/file.ts";
import { changeOwner, changeOwnerOf } from "../sys/node.ts";
import { openForOverwrite, type OpenedFile } from "../sys/overwrite.ts";
import { ensureDirectories, NotDirectoryError } from "../sys/parents.ts";
import type { User } from "../sys/passwd.ts";
import { directoryOf } from "../sys/path.ts";
import type { FileStatus } from "../sys/status.ts";
import { Failure } from "./failure.ts";
import { replaceMetadata } from "./file-metadata.ts";
import { checkName, nameOf } from "./paths.ts";
import { shownText } from "./reply.ts";

export const NO_SPACE = "not enough disk space available";

/** The directories above a file, made for a user where they are missing. Throws Failure. */
export function makeParents(path: string, user: User): void {
  try {
    checkName(path);
    ensureDirectories(directoryOf(path), user.uid, user.gid);
  } catch (error) {
    if (error instanceof NotDirectoryError) throw broken("ensuring directories", `path is a file: ${error.path}`);
    if (!(error instanceof SysError)) throw error;
    throw failure("ensuring directories", error, "not enough inodes available");
  }
}

/** The failure of a step. Where there is no space left it is told by `noSpace`. */
function failure(step: string, error: SysError, noSpace: string): Failure {
  if (!isOutOfSpace(error.errno)) return broken(step, error.describe());
  return new Failure(Status.INSUFFICIENT_STORAGE, `${noSpace}: ${error.describe()}`);
}

function broken(step: string, reason: string): Failure {
  return new Failure(Status.INTERNAL_ERROR, `error ${step}: ${reason}`);
}

export class StoredFile {
  readonly path: string;
  private readonly metadata: Map<string, string>;
  /** Bytes that the request has announced; negative where it has not. */
  private readonly announced: number;
  private fd: number;

  private constructor(path: string, fd: number, metadata: Map<string, string>, announced: number) {
    this.path = path;
    this.fd = fd;
    this.metadata = metadata;
    this.announced = announced;
  }

  /**
   * Opens a file for an upload, empty and a user's, its directories made where they are missing. It owns its descriptor
   * until `finish` or `abandon`. `announced` is the request's length, negative where it is unknown. Throws Failure.
   */
  static open(path: string, user: User, metadata: Map<string, string>, announced: number): StoredFile {
    makeParents(path, user);
    takeOver(path, user);
    const { fd, isNew } = openInPlace(path);
    if (isNew) {
      try {
        changeOwnerOf(fd, path, user.uid, user.gid);
      } catch (error) {
        close(fd);
        if (!(error instanceof SysError)) throw error;
        throw broken("changing file ownership", error.describe());
      }
    }
    return new StoredFile(path, fd, metadata, announced);
  }

  /** Writes bytes [start, end) at the end. Throws Failure. */
  write(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const written = writeSome(this.fd, bytes, at, end);
      // Some devices take nothing: asking again would not end.
      if (written <= 0) throw this.writeFailure(written === 0 ? Errno.EIO : -written);
      at += written;
    }
  }

  /** Completes the file. Returns what the reply says of it. Throws Failure. */
  finish(): JsonValue {
    // While it is open: somebody may wait for it to be closed, and move it away.
    const stored = replaceMetadata(`/proc/self/fd/${this.fd}`, this.metadata);
    const closed = this.close();
    if (closed < 0) throw this.writeFailure(-closed);
    const entry = entryOf(this.path);
    return stored === undefined ? entry : entry.set("metadata", stored);
  }

  /** Closes the file, whatever it is. */
  abandon(): void {
    this.close();
  }

  /** Returns 0, or -errno where what was written is refused. */
  private close(): number {
    const closed = this.fd >= 0 ? close(this.fd) : 0;
    this.fd = -1;
    return closed;
  }

  private writeFailure(errno: number): Failure {
    if (!isOutOfSpace(errno)) return broken("writing file", new SysError("write", errno, this.path).describe());
    const attempt = this.announced >= 0 ? `attempted to write ${this.announced} bytes: ` : "";
    return new Failure(Status.INSUFFICIENT_STORAGE, attempt + NO_SPACE);
  }
}

/** What a reply says of a stored file. */
export function entryOf(path: string): JsonValue {
  return JsonValue.object()
    .set("path", JsonValue.string(shownText(path)))
    .set("name", JsonValue.string(shownText(nameOf(path))))
    .set("type", JsonValue.string("file"));
}

/** Gives a file that is there already to a user, before it is opened. */
function takeOver(path: string, user: User): void {
  const status = statusOf(path);
  if (status === undefined) return;
  if (status.isDirectory) throw new Failure(Status.BAD_REQUEST, `path is a directory: ${path}`);
  // Files of the kernel's refuse a change, even to what they have.
  if (status.uid === user.uid && status.gid === user.gid) return;
  try {
    changeOwner(path, user.uid, user.gid);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw broken("changing file ownership", error.describe());
  }
}

/** The status of what a path leads to; undefined where that is missing. */
function statusOf(path: string): FileStatus | undefined {
  try {
    return stat(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === Errno.ENOENT) return undefined;
    throw broken("getting file info", error.describe());
  }
}

function openInPlace(path: string): OpenedFile {
  try {
    return openForOverwrite(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw failure("opening file", error, "not enough inodes available");
  }
}
