/** An upload of a form with files in it; envd-http.md 5.7. */
import { formField } from "../http/disposition.ts";
import type { Exchange } from "../http/exchange.ts";
import { MultipartError, MultipartHandler, MultipartParser } from "../http/multipart.ts";
import type { PartHeaders } from "../http/part-headers.ts";
import { Status } from "../http/status.ts";
import type { Destination } from "./destination.ts";
import { Failure } from "./failure.ts";
import { UploadReader } from "./upload-reader.ts";

/** Files in one request: each has its place in the reply. */
const MAX_FILES = 10_000;

/** The parts of a form, for the upload that they belong to. */
class FormParts extends MultipartHandler {
  private readonly upload: FormUpload;

  constructor(upload: FormUpload) {
    super();
    this.upload = upload;
  }

  override onPart(headers: PartHeaders): void {
    this.upload.onPart(headers);
  }

  override onData(bytes: Uint8Array, start: number, end: number): number {
    this.upload.onData(bytes, start, end);
    return end - start;
  }

  override onPartEnd(): void {
    this.upload.onPartEnd();
  }
}

export class FormUpload extends UploadReader {
  private readonly parser: MultipartParser;
  private readonly stored = new Set<string>();

  /** Throws MultipartError for what cannot be a boundary. */
  constructor(exchange: Exchange, destination: Destination, boundary: string) {
    super(exchange, destination);
    this.parser = new MultipartParser(boundary, new FormParts(this));
  }

  override prepare(): void {}

  protected override take(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.parser.push(bytes, start, end);
    } catch (error) {
      if (!(error instanceof MultipartError)) throw error;
      throw this.damage(error.message);
    }
  }

  protected override complete(): void {
    try {
      this.parser.end();
    } catch (error) {
      if (!(error instanceof MultipartError)) throw error;
      throw this.damage(error.message);
    }
  }

  /** Parts that are not the form's field `file` are passed over. */
  onPart(headers: PartHeaders): void {
    const field = formField(headers.get("content-disposition") ?? "");
    if (field.name !== "file") return;
    const given = this.destination.path ?? field.fileName;
    if (this.destination.path === undefined && given === "") {
      throw new Failure(Status.BAD_REQUEST, "error getting multipart custom part file name: filename not found in Content-Disposition header");
    }
    const path = this.destination.resolve(given);
    if (this.stored.has(path)) {
      throw new Failure(
        Status.BAD_REQUEST,
        `you cannot upload multiple files to the same path '${path}' in one upload request, only the first specified file was uploaded`,
      );
    }
    if (this.stored.size === MAX_FILES) throw new Failure(Status.BAD_REQUEST, `more than ${MAX_FILES} files in one upload request`);
    this.stored.add(path);
    this.file = this.destination.open(path);
  }

  onData(bytes: Uint8Array, start: number, end: number): void {
    this.file?.write(bytes, start, end);
  }

  onPartEnd(): void {
    this.finishFile();
  }
}
