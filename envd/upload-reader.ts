/** Reads the body of an upload into files, and answers. */
import { DecodedReader } from "../http/decoded-reader.ts";
import type { Exchange } from "../http/exchange.ts";
import { Status } from "../http/status.ts";
import { JsonValue } from "../json/value.ts";
import type { Destination } from "./destination.ts";
import { Failure } from "./failure.ts";
import { replyFailure, replyJson } from "./reply.ts";
import type { StoredFile } from "./stored-file.ts";

export abstract class UploadReader extends DecodedReader {
  protected readonly exchange: Exchange;
  protected readonly destination: Destination;
  /** The file that is being written. */
  protected file: StoredFile | undefined;
  /** What the reply says, an entry for each file. */
  private readonly entries = JsonValue.array();

  constructor(exchange: Exchange, destination: Destination) {
    super();
    this.exchange = exchange;
    this.destination = destination;
  }

  /** Does what may be done before any of the body is there. Throws Failure. */
  abstract prepare(): void;

  /** Takes bytes [start, end). Throws Failure. */
  protected abstract take(bytes: Uint8Array, start: number, end: number): void;

  /** The body is whole. Throws Failure. */
  protected abstract complete(): void;

  override onBody(bytes: Uint8Array, start: number, end: number): number {
    try {
      this.take(bytes, start, end);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.fail(error);
    }
    return end - start;
  }

  override onBodyEnd(): void {
    try {
      this.complete();
      if (this.exchange.isOpen) replyJson(this.exchange, this.entries);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.fail(error);
    }
  }

  /** What is half written stays, as far as it has come. */
  override onBodyLost(): void {
    this.file?.abandon();
    this.file = undefined;
  }

  override onNotCoded(reason: string): void {
    this.fail(new Failure(Status.BAD_REQUEST, `error decompressing request body: failed to create gzip reader: ${reason}`));
  }

  override onDamaged(reason: string): void {
    this.fail(this.damage(reason));
  }

  /** The failure of a body that is malformed, or ends too early. */
  protected damage(reason: string): Failure {
    return new Failure(Status.INTERNAL_ERROR, `error ${this.file === undefined ? "reading form" : "writing file"}: ${reason}`);
  }

  /** Completes the file. Throws Failure. */
  protected finishFile(): void {
    const file = this.file;
    if (file === undefined) return;
    this.entries.push(file.finish());
    this.file = undefined;
  }

  private fail(failure: Failure): void {
    this.onBodyLost();
    replyFailure(this.exchange, failure);
  }
}
