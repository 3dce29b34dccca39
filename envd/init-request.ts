/** What a host says to `/init`; envd-http.md 5.4. */
import { Status } from "../http/status.ts";
import { parseInPlace } from "../json/parse.ts";
import { JsonKind, type JsonValue } from "../json/value.ts";
import { wipe } from "../sys/bytes.ts";
import type { Time } from "../sys/clock.ts";
import { Failure } from "./failure.ts";
import { parseTimestamp } from "./timestamp.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** A directory of an NFS server, and where it is wanted. */
export class Volume {
  readonly target: string;
  readonly path: string;

  constructor(target: string, path: string) {
    this.target = target;
    this.path = path;
  }
}

/** Texts are empty, and all else undefined, where the request says nothing. */
export class InitRequest {
  /** Not empty. The bytes are the request's owner's, who wipes them. */
  accessToken: Uint8Array | undefined;
  timestamp: Time | undefined;
  defaultUser = "";
  defaultWorkdir = "";
  /** Whether `variables` are to take the place of those before. */
  hasVariables = false;
  readonly variables = new Map<string, string>();
  eventsAddress = "";
  lifecycle = "";
  readonly volumes: Volume[] = [];
  caBundle = "";

  /**
   * Reads a body, which is wiped: it may hold the token. Throws JsonError or Failure, both for 400, where it is not empty
   * and no such request.
   */
  static parse(body: Uint8Array): InitRequest {
    const request = new InitRequest();
    if (body.length === 0) return request;
    const copy = new Uint8Array(body.length + 1);
    copy.set(body, 0);
    try {
      const document = parseInPlace(copy);
      if (!document.isNull()) request.read(document, body);
      return request;
    } catch (error) {
      request.wipe();
      throw error;
    } finally {
      wipe(body, 0, body.length);
      wipe(copy, 0, copy.length);
    }
  }

  /** Nobody is to have the token that it brought. */
  wipe(): void {
    if (this.accessToken !== undefined) wipe(this.accessToken, 0, this.accessToken.length);
  }

  private read(document: JsonValue, body: Uint8Array): void {
    if (document.kind !== JsonKind.object) throw malformed();
    this.accessToken = tokenIn(document, body);
    const timestamp = textOf(document, "timestamp");
    if (timestamp !== undefined) {
      this.timestamp = parseTimestamp(timestamp);
      if (this.timestamp === undefined) throw malformed();
    }
    this.defaultUser = textOf(document, "defaultUser") ?? "";
    this.defaultWorkdir = textOf(document, "defaultWorkdir") ?? "";
    this.readVariables(document);
    this.eventsAddress = textOf(document, "hyperloopIP") ?? textOf(document, "hyperloopIp") ?? "";
    this.lifecycle = textOf(document, "lifecycleID") ?? "";
    this.caBundle = textOf(document, "caBundle") ?? "";
    const volumes = valueOf(document, "volumeMounts");
    if (volumes === undefined) return;
    if (volumes.kind !== JsonKind.array) throw malformed();
    for (const volume of volumes.items()) {
      if (!volume.isNull() && volume.kind !== JsonKind.object) throw malformed();
      this.volumes.push(new Volume(textOf(volume, "nfs_target") ?? "", textOf(volume, "path") ?? ""));
    }
  }

  private readVariables(document: JsonValue): void {
    const object = valueOf(document, "envVars");
    if (object === undefined) return;
    if (object.kind !== JsonKind.object) throw malformed();
    this.hasVariables = true;
    for (const [name, value] of object.entries()) {
      const text = value.isNull() ? "" : value.asString();
      if (text === undefined) throw malformed();
      this.variables.set(name, text);
    }
  }
}

function malformed(): Failure {
  return new Failure(Status.BAD_REQUEST, "");
}

/** The value of a member; undefined where it is missing or null. */
function valueOf(object: JsonValue, name: string): JsonValue | undefined {
  const value = object.get(name);
  return value === undefined || value.isNull() ? undefined : value;
}

function textOf(object: JsonValue, name: string): string | undefined {
  const value = valueOf(object, name);
  if (value !== undefined && value.kind !== JsonKind.string) throw malformed();
  return value?.asString();
}

/** The bytes of the token, which nobody may have escaped: it is compared and hashed as it is written. */
function tokenIn(document: JsonValue, body: Uint8Array): Uint8Array | undefined {
  const value = valueOf(document, "accessToken");
  if (value === undefined) return undefined;
  const token = value.asBytes();
  if (token === undefined || token.length === 0) throw malformed();
  // The document's places are the body's, where no escape has been replaced.
  for (let at = value.table.start(value.row) + 1; body[at] !== QUOTE; at++) {
    if (body[at] === BACKSLASH) throw malformed();
  }
  return token;
}
