/** A method of the service, and what all of them share; envd-rpc.md 4.1. */
import type { Call } from "../../connect/call.ts";
import { invalid } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { Method, type MethodKind } from "../../connect/method.ts";
import type { Loop } from "../../sys/loop.ts";
import { Accounts, type User } from "../../sys/passwd.ts";
import { absolutePath } from "../../sys/path.ts";
import type { Defaults } from "../defaults.ts";
import { nameOf, PathError, resolvePath } from "../paths.ts";
import { accountOf } from "../process/account.ts";
import { Slices } from "../slices.ts";
import { EventBudget } from "./event-queue.ts";
import { filesystemSchema } from "./messages.ts";
import { WatcherTable } from "./polled.ts";

/** What the calls of the service work with. */
export class Workshop {
  readonly loop: Loop;
  readonly defaults: Defaults;
  readonly slices: Slices;
  readonly budget = new EventBudget();
  readonly watchers = new WatcherTable();

  constructor(loop: Loop, defaults: Defaults) {
    this.loop = loop;
    this.defaults = defaults;
    this.slices = new Slices(loop);
  }

  /** Whom a call is made as. Throws RpcError. */
  userOf(call: Call): User {
    return accountOf(new Accounts(), call.exchange.user, this.defaults.user);
  }

  /** The path that one of a request's means for a user. Throws RpcError. */
  resolve(path: string, user: User): string {
    if (path.includes("\0")) throw invalid("a path with a NUL");
    try {
      return resolvePath(path, user.home.startsWith("/") ? user.home : "/", this.defaults.workdir);
    } catch (error) {
      if (error instanceof PathError) throw invalid(error.message);
      throw error;
    }
  }

  /**
   * Like `resolve`, of what is removed or moved: never everything, and not by a slash at its end what a symbolic link leads
   * to, nor by dots what is above that, which may be everything. Throws RpcError.
   */
  resolveVictim(path: string, user: User): string {
    const resolved = this.resolve(path, user);
    const clean = absolutePath(resolved);
    const name = nameOf(resolved);
    if (path === "" || clean === "/" || clean === "//" || name === "." || name === "..") throw invalid(`path is not allowed: '${path}'`);
    let end = resolved.length;
    while (resolved.charAt(end - 1) === "/") end--;
    return resolved.slice(0, end);
  }
}

/** Answers a call, now or later. An RpcError thrown is the answer. */
export type Serve = (call: Call, request: Message, workshop: Workshop) => void;

export class FilesystemMethod extends Method {
  private readonly serve: Serve;
  private readonly workshop: Workshop;

  constructor(workshop: Workshop, name: string, kind: MethodKind, input: string, output: string, serve: Serve) {
    super(`/filesystem.Filesystem/${name}`, kind, filesystemSchema, input, output);
    this.workshop = workshop;
    this.serve = serve;
  }

  override start(call: Call, request: Message): void {
    this.serve(call, request, this.workshop);
  }
}
