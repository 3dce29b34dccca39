/** As whom a process is started; envd-rpc.md 3.2. */
import { Code } from "../../connect/code.ts";
import { RpcError } from "../../connect/error.ts";
import { Accounts, type User } from "../../sys/passwd.ts";

/** The user that a request names, else the default one, looked up now. Throws RpcError or SysError. */
export function accountOf(accounts: Accounts, given: string, usual: string): User {
  const user = accounts.user(given === "" ? usual : given);
  if (user !== undefined) return user;
  const what = given === "" ? `invalid default user: '${usual}'` : `invalid username: '${given}'`;
  throw new RpcError(Code.UNAUTHENTICATED, what);
}
