/** What calls of the service fail with. */
import { Code } from "../../connect/code.ts";
import { RpcError } from "../../connect/error.ts";
import { Errno, type SysError } from "../../sys/errno.ts";

/** There is nothing at a path, or no watcher of an id. */
export function notFound(message: string): RpcError {
  return new RpcError(Code.NOT_FOUND, message);
}

/** Whether a system call has failed because there is nothing at a path: one that leads through a file leads nowhere, too. */
export function isMissing(error: SysError): boolean {
  return error.errno === Errno.ENOENT || error.errno === Errno.ENOTDIR;
}
