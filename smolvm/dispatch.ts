/** Requests by name: which operation answers, and how its failure to begin is said. */
import type { JsonValue } from "../json/value.ts";
import { encodeText } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import type { Connection } from "./connection.ts";
import { PROTOCOL_VERSION } from "./frame.ts";
import type { Host } from "./host.ts";
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

// What every request is asked for, in bytes: no string is made of it. Cut from one text, for the first answer waits
// while it is encoded.
const WORDS = encodeText("op v ping run put_file get_file");
const OP = WORDS.subarray(0, 2);
const V = WORDS.subarray(3, 4);
const PING = WORDS.subarray(5, 9);
const RUN = WORDS.subarray(10, 13);
const PUT_FILE = WORDS.subarray(14, 22);
const GET_FILE = WORDS.subarray(23, 31);

/** The verb that a request names. */
export function verbOf(request: JsonValue): Verb {
  if (request.hasString(OP, PING)) return Verb.PING;
  if (request.hasString(OP, RUN)) return Verb.RUN;
  if (request.hasString(OP, PUT_FILE)) return Verb.PUT_FILE;
  return request.hasString(OP, GET_FILE) ? Verb.GET_FILE : Verb.UNKNOWN;
}

/** Why a request is refused whatever it asks; empty where it is not. */
export function refusal(request: JsonValue, verb: Verb): string {
  const version = request.member(V);
  if (version !== undefined && !isSupported(version)) return `unsupported protocol version ${pythonText(version)}`;
  if (verb !== Verb.UNKNOWN) return "";
  const op = request.member(OP);
  return `unknown op ${op === undefined ? "None" : pythonRepr(op)}`;
}

/** What Python compares equal to 1, and None. */
function isSupported(version: JsonValue): boolean {
  // As every host writes it.
  if (version.text === "1" || version.isNull()) return true;
  return version.asBool() === true || version.asNumber() === PROTOCOL_VERSION;
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
  const operation = new PutOperation(host, connection, PutRequest.parse(request));
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

