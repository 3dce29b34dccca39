/** An upload whose body is the file; envd-http.md 5.7. */
import { Status } from "../http/status.ts";
import { Failure } from "./failure.ts";
import { UploadReader } from "./upload-reader.ts";

export class RawUpload extends UploadReader {
  override prepare(): void {
    if (this.file !== undefined) return;
    const path = this.destination.path;
    if (path === undefined) throw new Failure(Status.BAD_REQUEST, "path query parameter is required for raw body upload");
    this.file = this.destination.open(this.destination.resolve(path));
  }

  protected override take(bytes: Uint8Array, start: number, end: number): void {
    this.prepare();
    this.file?.write(bytes, start, end);
  }

  protected override complete(): void {
    this.prepare();
    this.finishFile();
  }
}
