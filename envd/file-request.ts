/** What requests for files have in common: who may make them, as whom, and for what; envd-http.md 3.3, 3.4, 4. */
import type { RequestHead } from "../http/head.ts";
import { Query } from "../http/query.ts";
import { Status } from "../http/status.ts";
import type { AccessToken } from "./access-token.ts";
import type { Defaults } from "./defaults.ts";
import { Failure } from "./failure.ts";
import { authorizeFiles } from "./signing.ts";
import { usernameOf } from "./users.ts";

const PARAMETERS = ["path", "username", "signature", "signature_expiration"];

/** The parameters of a request that may be made. */
export class FileRequest {
  /** As it was sent; undefined where it was not. */
  readonly path: string | undefined;
  /** The name of the user that it is made as, who may not exist. */
  readonly username: string;

  constructor(path: string | undefined, username: string) {
    this.path = path;
    this.username = username;
  }
}

/** Lets requests for files in. */
export class FileGate {
  readonly defaults: Defaults;
  private readonly token: AccessToken;

  constructor(token: AccessToken, defaults: Defaults) {
    this.token = token;
    this.defaults = defaults;
  }

  /** Reads a request's query, and checks that it may `read` or `write`. Throws Failure. */
  admit(head: RequestHead, operation: string): FileRequest {
    const query = new Query(head.query);
    for (const name of PARAMETERS) {
      if (query.count(name) < 2) continue;
      throw new Failure(Status.BAD_REQUEST, `Invalid format for parameter ${name}: multiple values for single value parameter '${name}'`, true);
    }
    authorizeFiles(this.token, head, query, operation);
    return new FileRequest(query.get("path"), usernameOf(query.get("username"), this.defaults));
  }
}
