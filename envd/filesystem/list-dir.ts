/** ListDir: what is in a directory, in order and to a depth; envd-rpc.md 4.4. */
import type { Call } from "../../connect/call.ts";
import { Code } from "../../connect/code.ts";
import { internal, invalid, RpcError } from "../../connect/error.ts";
import { ListAnswer } from "../../connect/list-answer.ts";
import type { Message } from "../../connect/message.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { DirectoryReader } from "../../sys/directory.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { lstat } from "../../sys/file.ts";
import { type Names, NameSorter } from "../../sys/names.ts";
import { absolutePath } from "../../sys/path.ts";
import { resolveLinks } from "../../sys/real-path.ts";
import { Job } from "../slices.ts";
import { EntryWriter } from "./entry.ts";
import { isMissing, notFound } from "./failures.ts";
import { isLegacy, markLegacy } from "./legacy.ts";
import { filesystemSchema } from "./messages.ts";
import type { Workshop } from "./method.ts";

/** A directory whose entries are being listed. */
class Level {
  /** Its path, and what it is told to be, both with a slash at the end. */
  readonly path: string;
  readonly shown: string;
  readonly names: Names;

  constructor(path: string, shown: string, names: Names) {
    this.path = path;
    this.shown = shown;
    this.names = names;
  }
}

class Listing {
  private readonly call: Call;
  private readonly depth: number;
  private readonly entries: EntryWriter;
  private readonly answer: ListAnswer;
  private readonly levels: Level[] = [];
  /** The directory that is being read, and what belongs to it. */
  private reader: DirectoryReader | undefined;
  private path: string;
  private shown: string;
  private sorter = new NameSorter();
  /** What an entry is written to. */
  private readonly scratch = new MessageWriter();

  /** Of a directory that is no symbolic link, told by the path `shown`. Throws SysError. */
  constructor(call: Call, path: string, shown: string, depth: number) {
    this.call = call;
    this.depth = depth;
    this.entries = new EntryWriter(isLegacy(call));
    this.answer = new ListAnswer(call, filesystemSchema.type("ListDirResponse"));
    this.reader = DirectoryReader.open(path, false);
    this.path = withSlash(path);
    this.shown = withSlash(shown);
  }

  /** Reads or tells one entry. Returns whether there is more to do. Throws RpcError or SysError. */
  step(): boolean {
    if (this.call.isOver) {
      this.close();
      return false;
    }
    if (this.reader !== undefined) {
      this.read(this.reader);
      return true;
    }
    const level = this.levels.at(-1);
    if (level === undefined) {
      markLegacy(this.call);
      this.answer.send();
      return false;
    }
    const name = level.names.nextText();
    if (name === undefined) this.levels.pop();
    else this.tell(level, name);
    return true;
  }

  close(): void {
    this.reader?.close();
    this.reader = undefined;
  }

  private read(reader: DirectoryReader): void {
    try {
      if (reader.next()) return this.sorter.add(reader.bytes, reader.start, reader.end);
    } catch (error) {
      // One that has been removed meanwhile, or cannot be read, has no more entries; but it is not the one that was asked for.
      if (!(error instanceof SysError) || this.levels.length === 0) throw error;
    }
    const names = this.sorter.finish();
    if (names === undefined) return;
    this.close();
    this.levels.push(new Level(this.path, this.shown, names));
  }

  private tell(level: Level, name: string): void {
    const path = level.path + name;
    const shown = level.shown + name;
    this.scratch.size = 0;
    try {
      const status = this.entries.write(this.scratch, path, shown);
      this.answer.add(this.scratch.bytes, 0, this.scratch.size);
      if (!status.isDirectory || this.levels.length >= this.depth) return;
      this.reader = DirectoryReader.open(path, false);
      this.path = `${path}/`;
      this.shown = `${shown}/`;
      this.sorter = new NameSorter();
    } catch (error) {
      // Gone, or not to be read.
      if (!(error instanceof SysError)) throw error;
    }
  }
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

export function listDir(call: Call, request: Message, shop: Workshop): void {
  const path = shop.resolve(request.text(1), shop.userOf(call));
  const shown = absolutePath(path);
  try {
    const real = resolveLinks(path);
    if (!lstat(real).isDirectory) throw invalid(`path is not a directory: ${path}`);
    const listing = new Listing(call, real, shown.startsWith("//") ? shown.slice(1) : shown, Math.max(request.number(2), 1));
    const onFailure = (error: RpcError): void => {
      listing.close();
      call.fail(new RpcError(error.code, `error reading directory: ${error.message}`));
    };
    shop.slices.add(new Job(() => listing.step(), onFailure));
  } catch (error) {
    if (error instanceof SysError) throw listError(error, path);
    throw error;
  }
}

function listError(error: SysError, path: string): RpcError {
  if (isMissing(error)) return notFound(`path not found: ${error.describe()}`);
  if (error.errno !== Errno.ELOOP) return internal(`error getting path info: ${error.describe()}`);
  return new RpcError(Code.FAILED_PRECONDITION, `cyclic symlink or chain >255 links at ${path}`);
}
