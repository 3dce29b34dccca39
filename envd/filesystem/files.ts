/** Stat, MakeDir, Move and Remove; envd-rpc.md 4.3. */
import type { Call } from "../../connect/call.ts";
import { Code } from "../../connect/code.ts";
import { internal, invalid, RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { Errno, SysError } from "../../sys/errno.ts";
import { lstat, stat } from "../../sys/file.ts";
import { rename } from "../../sys/node.ts";
import { ensureDirectories, NotDirectoryError } from "../../sys/parents.ts";
import { directoryOf } from "../../sys/path.ts";
import { TreeRemover } from "../../sys/tree-remover.ts";
import { Job } from "../slices.ts";
import { EntryWriter } from "./entry.ts";
import { isMissing, notFound } from "./failures.ts";
import { isLegacy, markLegacy } from "./legacy.ts";
import type { Workshop } from "./method.ts";
import { Transfer } from "./transfer.ts";

/** Answers with the entry of a path. Throws RpcError where there is none. */
function replyEntry(call: Call, path: string): void {
  const out = new MessageWriter();
  const mark = out.open(1);
  try {
    new EntryWriter(isLegacy(call)).write(out, path, path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw isMissing(error) ? notFound(`file not found: ${error.describe()}`) : internal(`error getting file info: ${error.describe()}`);
  }
  out.close(mark);
  markLegacy(call);
  call.reply(out);
}

export function statPath(call: Call, request: Message, shop: Workshop): void {
  replyEntry(call, shop.resolve(request.text(1), shop.userOf(call)));
}

export function makeDir(call: Call, request: Message, shop: Workshop): void {
  const user = shop.userOf(call);
  const path = shop.resolve(request.text(1), user);
  try {
    if (!isFree(path)) throw new RpcError(Code.ALREADY_EXISTS, `directory already exists: ${path}`);
    ensureDirectories(path, user.uid, user.gid);
  } catch (error) {
    if (error instanceof NotDirectoryError) throw taken(error.path);
    if (!(error instanceof SysError)) throw error;
    // A symbolic link to nothing.
    throw error.errno === Errno.EEXIST ? taken(error.path) : internal(`error creating directory: ${error.describe()}`);
  }
  replyEntry(call, path);
}

/** Whether there is nothing at a path yet; false where there is a directory. Throws RpcError where there is something else. */
function isFree(path: string): boolean {
  try {
    if (stat(path).isDirectory) return false;
  } catch (error) {
    if (error instanceof SysError && isMissing(error)) return true;
    throw error;
  }
  throw taken(path);
}

function taken(path: string): RpcError {
  return invalid(`path already exists but it is not a directory: ${path}`);
}

export function remove(call: Call, request: Message, shop: Workshop): void {
  const remover = new TreeRemover(shop.resolveVictim(request.text(1), shop.userOf(call)));
  const step = (): boolean => {
    if (remover.step()) return true;
    markLegacy(call);
    call.reply(new MessageWriter());
    return false;
  };
  const onFailure = (error: RpcError): void => {
    remover.close();
    call.fail(new RpcError(error.code, `error removing file or directory: ${error.message}`));
  };
  shop.slices.add(new Job(step, onFailure));
}

export function move(call: Call, request: Message, shop: Workshop): void {
  const user = shop.userOf(call);
  const source = shop.resolveVictim(request.text(1), user);
  const target = shop.resolveVictim(request.text(2), user);
  const shown = shop.resolve(request.text(2), user);
  try {
    lstat(source);
    ensureDirectories(directoryOf(target), user.uid, user.gid);
    rename(source, target);
  } catch (error) {
    if (error instanceof NotDirectoryError) throw internal(`error creating parent directories: path is a file: ${error.path}`);
    if (!(error instanceof SysError)) throw error;
    if (error.errno === Errno.EXDEV) return transfer(call, new Transfer(source, target), shown, shop);
    // The parents of the target are there.
    const isGone = error.call === "stat" ? isMissing(error) : error.call === "rename" && error.errno === Errno.ENOENT;
    if (isGone) throw notFound(`source file not found: ${error.describe()}`);
    throw internal(`error renaming: ${error.describe()}`);
  }
  replyEntry(call, shown);
}

/** To another file system. */
function transfer(call: Call, job: Transfer, shown: string, shop: Workshop): void {
  const step = (): boolean => {
    if (job.step()) return true;
    replyEntry(call, shown);
    return false;
  };
  const onFailure = (error: RpcError): void => {
    job.close();
    call.fail(error);
  };
  shop.slices.add(new Job(step, onFailure));
}
