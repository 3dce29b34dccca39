/** Where the files of one upload go, and whose they are. */
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { Failure } from "./failure.ts";
import type { User } from "../sys/passwd.ts";
import { PathError, resolvePath } from "./paths.ts";
import { StoredFile } from "./stored-file.ts";

export class Destination {
  /** The path of the request; undefined where it has none. */
  readonly path: string | undefined;
  private readonly user: User;
  private readonly workdir: string;
  private readonly metadata: Map<string, string>;
  private readonly announced: number;

  constructor(path: string | undefined, user: User, workdir: string, metadata: Map<string, string>, head: RequestHead) {
    this.path = path;
    this.user = user;
    this.workdir = workdir;
    this.metadata = metadata;
    this.announced = head.contentLength;
  }

  /** The path that one of the request's means. Throws Failure. */
  resolve(path: string): string {
    try {
      return resolvePath(path, this.user.home, this.workdir);
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      throw new Failure(Status.BAD_REQUEST, `error resolving path: ${error.message}`);
    }
  }

  /** Opens the file of a resolved path. Throws Failure. */
  open(path: string): StoredFile {
    return StoredFile.open(path, this.user, this.metadata, this.announced);
  }
}
