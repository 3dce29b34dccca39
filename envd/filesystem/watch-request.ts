/** What is to be watched; envd-rpc.md 4.5. */
import { internal, invalid, type RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { SysError } from "../../sys/errno.ts";
import { stat } from "../../sys/file.ts";
import { absolutePath } from "../../sys/path.ts";
import { statFileSystem } from "../../sys/space.ts";
import { isMissing, notFound } from "./failures.ts";

/** NFS, CIFS, SMB, SMB2 and FUSE; statfs(2). */
const NETWORKS = [0x6969, 0xff534d42, 0x517b, 0xfe534d42, 0x65735546];

export class WatchRequest {
  /** Clean: entries are told under it. */
  readonly path: string;
  readonly isRecursive: boolean;
  readonly includesEntries: boolean;

  private constructor(path: string, isRecursive: boolean, includesEntries: boolean) {
    this.path = path;
    this.isRecursive = isRecursive;
    this.includesEntries = includesEntries;
  }

  /** Of a request whose path means this one. Throws RpcError for what cannot be watched. */
  static of(request: Message, path: string): WatchRequest {
    try {
      if (!stat(path).isDirectory) throw invalid(`path ${path} not a directory`);
      if (!request.bool(4) && NETWORKS.includes(statFileSystem(path).type % 0x100000000)) {
        throw invalid(`cannot watch path on network filesystem: ${path}`);
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      throw isMissing(error) ? notFound(`path ${path} not found: ${error.describe()}`) : internal(error.describe());
    }
    return new WatchRequest(absolutePath(path), request.bool(2), request.bool(3));
  }
}

/** What a caller is told of a watcher that could not be made. */
export function creationError(error: SysError): RpcError {
  return internal(`error creating watcher: ${error.describe()}`);
}
