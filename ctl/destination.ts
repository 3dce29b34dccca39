/** Where `get` writes. */
import { errnoText, SysError } from "../sys/errno.ts";
import { stat, TemporaryFile } from "../sys/file.ts";
import { directoryOf } from "../sys/path.ts";
import { Failure } from "./failure.ts";
import { writeOutput } from "./output.ts";

const STDOUT = 1;
const TEMPORARY_PREFIX = ".motectl-get-";

/** All methods throw Failure. After `finish` or `discard` nothing else may be called. */
export abstract class Destination {
  abstract write(bytes: Uint8Array, start: number, end: number): void;
  /** All bytes are there. */
  abstract finish(): void;
  /** The rest will not come. */
  abstract discard(): void;
}

export class StdoutDestination extends Destination {
  override write(bytes: Uint8Array, start: number, end: number): void {
    writeOutput(STDOUT, bytes, start, end);
  }

  override finish(): void {}

  override discard(): void {}
}

/** A file that takes the target's place when it is whole. */
export class FileDestination extends Destination {
  private readonly path: string;
  private readonly file: TemporaryFile;

  /** Begins a file with permission bits `mode`. */
  constructor(path: string, mode: number) {
    super();
    this.path = path;
    try {
      this.file = TemporaryFile.create(TemporaryFile.nameIn(directoryOf(path.startsWith("/") ? path : `./${path}`), TEMPORARY_PREFIX));
      this.file.chmod(mode);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw this.failure(error);
    }
  }

  /** Whether a path can be replaced by a file; throws Failure where something else is there. */
  static check(path: string): void {
    let isRegular = true;
    try {
      isRegular = stat(path).isRegular;
    } catch (error) {
      // What is missing can be made, and the rest is said when it is tried.
      if (!(error instanceof SysError)) throw error;
    }
    if (!isRegular) throw new Failure(`${path} is there and is no regular file; name a file, or - for standard output`);
  }

  override write(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.file.append(bytes, start, end);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw this.failure(error);
    }
  }

  override finish(): void {
    try {
      this.file.replace(this.path);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw this.failure(error);
    }
  }

  override discard(): void {
    this.file.discard();
  }

  private failure(error: SysError): Failure {
    return new Failure(`cannot write ${this.path}: ${errnoText(error.errno)}`);
  }
}
