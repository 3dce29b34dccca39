/** POST /files/compose: many files put together as one; envd-http.md 5.8. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { Status } from "../http/status.ts";
import { WholeBody } from "../http/whole-body.ts";
import { JsonError, parseJson } from "../json/parse.ts";
import type { Temporaries } from "../json/temporaries.ts";
import { JsonKind, type JsonValue } from "../json/value.ts";
import type { Loop } from "../sys/loop.ts";
import { ComposeJob } from "./compose-job.ts";
import { Failure } from "./failure.ts";
import type { FileGate } from "./file-request.ts";
import { PathError, resolvePath } from "./paths.ts";
import { replyFailure } from "./reply.ts";
import { lookUpUser } from "./users.ts";

const MAX_BODY_BYTES = 16 * 1024 * 1024;

export class ComposeHandler extends Handler {
  private readonly loop: Loop;
  private readonly gate: FileGate;
  private readonly temporaries: Temporaries | undefined;

  constructor(loop: Loop, gate: FileGate, temporaries: Temporaries | undefined) {
    super();
    this.loop = loop;
    this.gate = gate;
    this.temporaries = temporaries;
  }

  override handle(exchange: Exchange, _head: RequestHead): void {
    const tooLarge = new Failure(Status.PAYLOAD_TOO_LARGE, `the request body is larger than ${MAX_BODY_BYTES} bytes`);
    exchange.receive(new WholeBody(MAX_BODY_BYTES, (body) => this.onRequest(exchange, body), () => replyFailure(exchange, tooLarge)));
  }

  private onRequest(exchange: Exchange, body: Uint8Array): void {
    try {
      this.begin(exchange, parse(body));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      replyFailure(exchange, error);
    }
  }

  private begin(exchange: Exchange, request: JsonValue): void {
    const sources: string[] = [];
    const list = given(request, "source_paths");
    if (list !== undefined && list.kind !== JsonKind.array) throw invalid("source_paths is no array");
    for (const item of list?.items() ?? []) {
      const source = item.asString();
      if (source === undefined) throw invalid("source_paths has an element that is no string");
      sources.push(source);
    }
    const raw = text(request, "destination") ?? "";
    const username = text(request, "username");
    if (sources.length === 0) throw new Failure(Status.BAD_REQUEST, "source_paths must not be empty");
    if (raw === "") throw new Failure(Status.BAD_REQUEST, "destination is required");
    const user = lookUpUser(username ?? this.gate.defaults.user);
    const workdir = this.gate.defaults.workdir;
    const destination = resolved(raw, "destination path", user.home, workdir);
    new ComposeJob(this.loop, exchange, this.temporaries, sources, destination, user, (source) => {
      const path = resolved(source, `source path "${source}"`, user.home, workdir);
      if (path === destination) throw new Failure(Status.BAD_REQUEST, `source path "${source}" cannot be the same as destination`);
      return path;
    }).start();
  }
}

function parse(body: Uint8Array): JsonValue {
  try {
    const request = parseJson(body, 0, body.length);
    if (request.kind === JsonKind.object) return request;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw invalid(error.message);
  }
  throw invalid("it is no object");
}

function invalid(reason: string): Failure {
  return new Failure(Status.BAD_REQUEST, `invalid request body: ${reason}`);
}

/** A member that is there and not null. */
function given(request: JsonValue, name: string): JsonValue | undefined {
  const value = request.get(name);
  return value === undefined || value.isNull() ? undefined : value;
}

function text(request: JsonValue, name: string): string | undefined {
  const value = given(request, name);
  if (value !== undefined && value.kind !== JsonKind.string) throw invalid(`${name} is no string`);
  return value?.asString();
}

/** What a path means. Throws Failure, which names it by `what`. */
function resolved(path: string, what: string, home: string, workdir: string): string {
  try {
    return resolvePath(path, home, workdir);
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    throw new Failure(Status.BAD_REQUEST, `error resolving ${what}: ${error.message}`);
  }
}
