/** POST /init: the host sets up the guest, after its boot and after each restore; envd-http.md 5.4. */
import type { Exchange } from "../http/exchange.ts";
import { Handler } from "../http/handler.ts";
import type { RequestHead } from "../http/head.ts";
import { BodyWriter } from "../http/roles.ts";
import { Status } from "../http/status.ts";
import { WholeBody } from "../http/whole-body.ts";
import { JsonError } from "../json/error.ts";
import { Failure } from "./failure.ts";
import type { Freezer } from "./freezer.ts";
import { InitRequest } from "./init-request.ts";
import type { Metadata } from "./metadata.ts";
import { replyEmpty, replyText } from "./reply.ts";
import type { Restore } from "./restore.ts";
import type { Setup } from "./setup.ts";
import { isKnownToken, tokenRefusal } from "./token-decision.ts";
import { Turn, Turns } from "./turns.ts";
import { ENVD_VERSION } from "./version.ts";

const MAX_BODY_BYTES = 16 * 1024 * 1024;

export class InitHandler extends Handler {
  readonly setup: Setup;
  readonly metadata: Metadata;
  readonly restore: Restore;
  readonly freezer: Freezer;
  readonly turns = new Turns();

  constructor(setup: Setup, metadata: Metadata, restore: Restore, freezer: Freezer) {
    super();
    this.setup = setup;
    this.metadata = metadata;
    this.restore = restore;
    this.freezer = freezer;
  }

  override handle(exchange: Exchange, _request: RequestHead): void {
    exchange.addField("X-Envd-Version", ENVD_VERSION);
    exchange.addField("Cache-Control", "no-store");
    const onEnd = (body: Uint8Array): void => this.onBody(exchange, body);
    exchange.receive(new WholeBody(MAX_BODY_BYTES, onEnd, () => replyEmpty(exchange, Status.PAYLOAD_TOO_LARGE)));
  }

  private onBody(exchange: Exchange, body: Uint8Array): void {
    try {
      const turn = new InitTurn(this, exchange, InitRequest.parse(body));
      // A host that has gone while it waits has no use for its turn: it tries again.
      exchange.endsWithPeer = true;
      exchange.hold(turn);
      turn.enter();
    } catch (error) {
      if (!(error instanceof JsonError) && !(error instanceof Failure)) throw error;
      replyEmpty(exchange, Status.BAD_REQUEST);
    }
  }
}

/** One request, from its turn on. */
class InitTurn extends BodyWriter {
  private readonly handler: InitHandler;
  private readonly exchange: Exchange;
  private readonly request: InitRequest;
  private readonly turn = new Turn(() => this.begin());
  /** A later one was there before: what it says is of no interest. */
  private isLate = false;

  constructor(handler: InitHandler, exchange: Exchange, request: InitRequest) {
    super();
    this.handler = handler;
    this.exchange = exchange;
    this.request = request;
  }

  enter(): void {
    this.handler.turns.enter(this.turn);
  }

  override onWritable(): void {}

  /** One whose turn it is goes on: what the host wanted is done, though it does not hear of it. */
  override onPeerGone(): void {
    if (this.handler.turns.leave(this.turn)) this.request.wipe();
  }

  private begin(): void {
    const { setup, metadata, restore } = this.handler;
    this.exchange.endsWithPeer = false;
    restore.onInitCall(this.exchange);
    if (isKnownToken(setup.token, this.request.accessToken)) this.onAuthorized();
    else metadata.accessTokenHash((hash) => this.onHash(hash));
  }

  private onHash(hash: string): void {
    const refusal = tokenRefusal(this.handler.setup.token, this.request.accessToken, hash);
    if (refusal === "") return this.onAuthorized();
    this.request.wipe();
    this.reply(Status.UNAUTHORIZED, refusal);
  }

  private onAuthorized(): void {
    const { setup } = this.handler;
    if (setup.admits(this.request.timestamp)) setup.apply(this.request, (failure) => this.onApplied(failure));
    else {
      this.isLate = true;
      this.request.wipe();
      this.onApplied("");
    }
  }

  private onApplied(failure: string): void {
    const { freezer, restore } = this.handler;
    try {
      freezer.thaw();
      restore.onInit(this.exchange, this.isLate ? "" : this.request.lifecycle, this.request.timestamp !== undefined);
    } finally {
      this.reply(failure === "" ? Status.NO_CONTENT : Status.BAD_REQUEST, failure);
    }
  }

  /** The end, of the turn too. */
  private reply(status: number, text: string): void {
    if (text === "") replyEmpty(this.exchange, status);
    else replyText(this.exchange, status, text);
    this.handler.turns.end();
  }
}
