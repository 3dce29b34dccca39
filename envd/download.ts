/** GET and HEAD /files; envd-http.md 5.6. */
import { acceptedCodings, type AcceptedCodings, Coding } from "../http/accept-encoding.ts";
import { Conditions } from "../http/conditional.ts";
import { inlineDisposition } from "../http/disposition.ts";
import { type Exchange, UNKNOWN_LENGTH } from "../http/exchange.ts";
import { respondWithFile } from "../http/file-response.ts";
import { GzipWriter, mayCompress } from "../http/gzip-writer.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { typeByExtension } from "../http/media-type.ts";
import { Status } from "../http/status.ts";
import { Errno, SysError } from "../sys/errno.ts";
import { close, fstat, openForReading, stat } from "../sys/file.ts";
import { Failure } from "./failure.ts";
import type { FileGate, FileRequest } from "./file-request.ts";
import { checkName, nameOf, PathError, resolvePath } from "./paths.ts";
import { replyFailure } from "./reply.ts";
import { lookUpUser } from "./users.ts";

const UNTYPED = "application/octet-stream";

export class DownloadHandler extends Handler {
  private readonly gate: FileGate;

  constructor(gate: FileGate) {
    super();
    this.gate = gate;
  }

  override handle(exchange: Exchange, request: RequestHead): void {
    try {
      this.answer(exchange, request);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      replyFailure(exchange, error);
    }
  }

  private answer(exchange: Exchange, head: RequestHead): void {
    const request = this.gate.admit(head, "read");
    const path = this.resolve(request);
    checkRegular(path);
    const codings = acceptedCodings(head.list("accept-encoding") ?? "");
    if (codings.choice === Coding.NONE) {
      throw new Failure(Status.NOT_ACCEPTABLE, "error parsing Accept-Encoding: no acceptable encoding found, supported: [gzip]");
    }
    const conditions = conditionsOf(head);
    const isPlain = usesIdentity(codings, conditions);
    const fields = exchange.fields;
    const type = typeByExtension(request.path ?? "") ?? "";
    try {
      const fd = openForReading(path);
      exchange.addField("Content-Disposition", inlineDisposition(nameOf(path)));
      if (isPlain) respondWithFile(exchange, conditions, fd, fstat(fd), type);
      else sendCompressed(exchange, fd, type === "" ? UNTYPED : type);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      exchange.fields = fields;
      throw new Failure(Status.INTERNAL_ERROR, `error opening file '${path}': ${error.describe()}`);
    }
  }

  private resolve(request: FileRequest): string {
    const user = lookUpUser(request.username);
    const raw = request.path ?? "";
    try {
      return resolvePath(raw, user.home, this.gate.defaults.workdir);
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      throw new Failure(Status.BAD_REQUEST, `error expanding and resolving path '${raw}': ${error.message}`);
    }
  }
}

/** Whatever else a path may name: reading it might never end, or do something. */
function checkRegular(path: string): void {
  let isDirectory = false;
  try {
    checkName(path);
    const status = stat(path);
    if (status.isRegular) return;
    isDirectory = status.isDirectory;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === Errno.ENOENT) throw new Failure(Status.NOT_FOUND, `path '${path}' does not exist`);
    throw new Failure(Status.INTERNAL_ERROR, `error checking if path exists '${path}': ${error.describe()}`);
  }
  throw new Failure(Status.BAD_REQUEST, `path '${path}' is ${isDirectory ? "a directory" : "not a regular file"}`);
}

function conditionsOf(head: RequestHead): Conditions {
  return new Conditions(
    head.field("range") ?? "", head.field("if-range") ?? "", head.list("if-match") ?? "", head.list("if-none-match") ?? "",
    head.field("if-modified-since") ?? "", head.field("if-unmodified-since") ?? "",
  );
}

/** Whether the file goes as it is. Throws Failure where it would have to, and must not. */
function usesIdentity(codings: AcceptedCodings, conditions: Conditions): boolean {
  const isCrowded = !mayCompress();
  if (!conditions.needsIdentity && !isCrowded) return codings.choice === Coding.IDENTITY;
  if (!codings.isIdentityRefused) return true;
  if (!conditions.needsIdentity) throw new Failure(Status.UNAVAILABLE, "too many files are being compressed");
  throw new Failure(Status.NOT_ACCEPTABLE, "identity encoding not acceptable for Range or conditional request");
}

/** Sends an open file, whose descriptor it takes over, in gzip. Throws SysError without memory. */
function sendCompressed(exchange: Exchange, fd: number, type: string): void {
  exchange.addField("Content-Type", type);
  exchange.addField("Content-Encoding", "gzip");
  if (!exchange.isHead) return GzipWriter.open(exchange, fd).start();
  close(fd);
  exchange.begin(Status.OK, UNKNOWN_LENGTH);
  exchange.end();
}
