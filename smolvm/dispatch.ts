/** Requests by name: which operation answers, and how its failure to begin is said. */
import type { JsonValue } from "../json/value.ts";
import { SysError } from "../sys/errno.ts";
import type { Connection, Host } from "./connection.ts";
import { PROTOCOL_VERSION } from "./frame.ts";
import { GetOperation, parseGetPath, RefusedError } from "./get.ts";
import { PutOperation, PutRequest } from "./put.ts";
import { osErrorText, pythonRepr, pythonText } from "./python.ts";
import { errorReply, runErrorReply } from "./reply.ts";
import { RunOperation, RunRequest, spawnErrorText } from "./run.ts";

export const enum Verb {
  PING,
  RUN,
  PUT_FILE,
  GET_FILE,
  UNKNOWN,
}

const VERBS = ["ping", "run", "put_file", "get_file"];

/** The verb that a request names. */
export function verbOf(request: JsonValue): Verb {
  const verb = VERBS.indexOf(request.get("op")?.asString() ?? "");
  return verb < 0 ? Verb.UNKNOWN : verb;
}

/** Why a request is refused whatever it asks; empty where it is not. */
export function refusal(request: JsonValue): string {
  const version = request.get("v");
  if (version !== undefined && !isSupported(version)) return `unsupported protocol version ${pythonText(version)}`;
  if (verbOf(request) !== Verb.UNKNOWN) return "";
  const op = request.get("op");
  return `unknown op ${op === undefined ? "None" : pythonRepr(op)}`;
}

/** What Python compares equal to 1, and None. */
function isSupported(version: JsonValue): boolean {
  return version.isNull() || version.asBool() === true || version.asNumber() === PROTOCOL_VERSION;
}

/** Begins to serve a request that has its turn. Returns whether an operation is under way; otherwise it is answered. */
export function begin(host: Host, connection: Connection, request: JsonValue): boolean {
  try {
    switch (verbOf(request)) {
      case Verb.RUN:
        return beginRun(host, connection, request);
      case Verb.PUT_FILE:
        return beginPut(host, connection, request);
      default:
        return beginGet(host, connection, request);
    }
  } catch (error) {
    // Whatever went wrong is this request's own affair.
    const text = error instanceof SysError ? osErrorText(error) : error instanceof Error ? error.message : "failed";
    connection.finish(errorReply(`agent error: ${text}`), true);
    return false;
  }
}

function beginRun(host: Host, connection: Connection, request: JsonValue): boolean {
  const run = RunRequest.parse(request);
  if (run === undefined) {
    connection.finish(runErrorReply("missing 'cmd'"), false);
    return false;
  }
  let operation: RunOperation;
  try {
    operation = new RunOperation(host, connection, run);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    connection.finish(runErrorReply(spawnErrorText(error)), false);
    return false;
  }
  connection.serve(operation);
  operation.start();
  return true;
}

function beginPut(host: Host, connection: Connection, request: JsonValue): boolean {
  const put = PutRequest.parse(request);
  if (put === undefined) {
    connection.finish(errorReply("missing 'path'"), true);
    return false;
  }
  const operation = new PutOperation(host, connection, put);
  connection.serve(operation);
  operation.start();
  return true;
}

function beginGet(host: Host, connection: Connection, request: JsonValue): boolean {
  const path = parseGetPath(request);
  if (path === undefined) {
    connection.finish(errorReply("missing 'path'"), false);
    return false;
  }
  let operation: GetOperation;
  try {
    operation = new GetOperation(host, connection, path);
  } catch (error) {
    const text = error instanceof SysError ? osErrorText(error) : error instanceof RefusedError ? error.message : "";
    if (text === "") throw error;
    connection.finish(errorReply(text), false);
    return false;
  }
  connection.serve(operation);
  operation.start();
  return true;
}

