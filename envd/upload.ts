/** POST /files; envd-http.md 5.7. */
import { lowerText } from "../http/ascii.ts";
import type { Exchange } from "../http/exchange.ts";
import { GunzipReader, mayDecompress } from "../http/gunzip-reader.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { MultipartError } from "../http/multipart.ts";
import { parseParameters } from "../http/parameters.ts";
import type { BodyReader } from "../http/roles.ts";
import { Status } from "../http/status.ts";
import { encodeText } from "../sys/bytes.ts";
import { isRootFrozen } from "../sys/fsfreeze.ts";
import type { Loop } from "../sys/loop.ts";
import { Destination } from "./destination.ts";
import { Failure } from "./failure.ts";
import { FormUpload } from "./form-upload.ts";
import type { FileGate, FileRequest } from "./file-request.ts";
import { FrozenGate } from "./frozen-gate.ts";
import { readMetadata } from "./file-metadata.ts";
import { RawUpload } from "./raw-upload.ts";
import { replyFailure } from "./reply.ts";
import { lookUpUser } from "./users.ts";
import type { UploadReader } from "./upload-reader.ts";

export class UploadHandler extends Handler {
  private readonly loop: Loop;
  private readonly gate: FileGate;

  constructor(loop: Loop, gate: FileGate) {
    super();
    this.loop = loop;
    this.gate = gate;
  }

  override handle(exchange: Exchange, head: RequestHead): void {
    try {
      const request = this.gate.admit(head, "write");
      const isGzip = isCompressed(head);
      if (isGzip && !mayDecompress()) throw new Failure(Status.UNAVAILABLE, "too many uploads are being decompressed");
      const upload = this.begin(exchange, head, request);
      let reader: BodyReader = upload;
      if (isGzip) reader = new GunzipReader(exchange, upload);
      else if (!isRootFrozen()) upload.prepare();
      exchange.receive(new FrozenGate(this.loop, exchange, reader));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      replyFailure(exchange, error);
    }
  }

  private begin(exchange: Exchange, head: RequestHead, request: FileRequest): UploadReader {
    const user = lookUpUser(request.username);
    const metadata = readMetadata(head);
    const destination = new Destination(request.path, user, this.gate.defaults.workdir, metadata, head);
    const header = head.field("content-type") ?? "";
    const name = wordOf(header);
    if (name === "application/octet-stream") return new RawUpload(exchange, destination);
    if (!name.startsWith("multipart/")) {
      throw new Failure(Status.BAD_REQUEST, `unsupported content type: ${header}, expected multipart/form-data or application/octet-stream`);
    }
    if (name !== "multipart/form-data" && name !== "multipart/mixed") throw notForm("request Content-Type isn't multipart/form-data");
    try {
      return new FormUpload(exchange, destination, parseParameters(header)?.get("boundary") ?? "");
    } catch (error) {
      if (!(error instanceof MultipartError)) throw error;
      throw notForm(error.message);
    }
  }
}

/** What a header says before its parameters, in lower case. */
function wordOf(header: string): string {
  const bytes = encodeText((header.split(";").at(0) ?? "").trim());
  return lowerText(bytes, 0, bytes.length);
}

function notForm(reason: string): Failure {
  return new Failure(Status.INTERNAL_ERROR, `error parsing multipart form: ${reason}`);
}

/** Whether a body is in gzip. Throws Failure for another coding than that and none. */
function isCompressed(head: RequestHead): boolean {
  const header = head.list("content-encoding") ?? "";
  const coding = wordOf(header);
  if (coding === "" || coding === "identity") return false;
  if (coding === "gzip") return true;
  throw new Failure(Status.BAD_REQUEST, `error decompressing request body: unsupported Content-Encoding: ${header}, supported: [gzip]`);
}
