// A service for tests, with calls of every kind, on Bun and compiled. usage: echo ADDRESS

import type { Call } from "../../connect/call.ts";
import { RpcError } from "../../connect/error.ts";
import type { Message } from "../../connect/message.ts";
import { Method, MethodKind } from "../../connect/method.ts";
import { CallOwner, MessageReader } from "../../connect/roles.ts";
import { Service } from "../../connect/service.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { HttpServer } from "../../http/server.ts";
import { parseAddress } from "../../sys/address.ts";
import { programArguments } from "../../sys/environ.ts";
import { Loop } from "../../sys/loop.ts";
import { Listener } from "../../sys/socket.ts";
import { exit, writeText } from "../../sys/stdio.ts";
import { Timer } from "../../sys/timer.ts";
import { schema } from "./types.ts";

const IDLE_LIMIT_MS = 600_000;
const FILE_LIMIT = 512;
const loop = new Loop();
const counts = { open: 0, over: 0 };

function inner(name: string, count: number): MessageWriter {
  const writer = new MessageWriter();
  writer.text(1, name);
  writer.uint32(2, count);
  return writer;
}

/** Unary: the name of the request, and its count, or that many times the name. Throws what `Fail` says. */
class Unary extends Method {
  constructor() {
    super("/test.Echo/Unary", MethodKind.UNARY, schema, "Inner", "Inner");
  }

  override start(call: Call, request: Message): void {
    const writer = inner(request.text(1), request.number(2));
    if (request.has(3)) {
      const leaf = request.message(3);
      const data = leaf.data(1);
      const mark = writer.open(3);
      writer.presentData(1, data, 0, data.length);
      writer.bool(2, leaf.bool(2));
      writer.close(mark);
    }
    call.reply(writer);
  }
}

/** Unary and stream: fails with the code and the text of the request. */
class Fail extends Method {
  constructor(path: string, kind: MethodKind) {
    super(path, kind, schema, "Inner", "Inner");
  }

  override start(_call: Call, request: Message): void {
    throw new RpcError(request.number(2), request.text(1));
  }
}

/** Does nothing for its call until it is over. */
class Waiting extends CallOwner {
  constructor() {
    super();
    counts.open += 1;
  }

  override onWritable(): void {}

  override onOver(): void {
    counts.open -= 1;
    counts.over += 1;
  }
}

/** Never answers; a stream gets one message. */
class Wait extends Method {
  constructor(path: string, kind: MethodKind) {
    super(path, kind, schema, "Inner", "Inner");
  }

  override start(call: Call, _request: Message): void {
    call.hold(new Waiting());
    if (this.kind === MethodKind.SERVER_STREAM) call.send(inner("waiting", 0));
  }
}

/** Says in the count of its answer how many calls wait, and in the name how many ended so; and its User-Agent. */
class State extends Method {
  constructor() {
    super("/test.Echo/State", MethodKind.UNARY, schema, "Nothing", "Inner");
  }

  override start(call: Call, _request: Message): void {
    call.reply(inner(`${counts.over} ${call.header("user-agent") ?? ""}`, counts.open));
  }
}

/** Sends numbered messages until they are enough. */
class Sending extends CallOwner {
  private readonly call: Call;
  private readonly text: string;
  private readonly data: Uint8Array;
  /** Whether the bytes are sent, not the text and a number. */
  private readonly sendsBytes: boolean;
  private readonly total: number;
  private count = 0;

  constructor(call: Call, text: string, data: Uint8Array, sendsBytes: boolean, total: number) {
    super();
    this.call = call;
    this.text = text;
    this.data = data;
    this.sendsBytes = sendsBytes;
    this.total = total;
  }

  override onWritable(): void {
    while (this.count < this.total) {
      this.count += 1;
      if (!this.call.send(this.sendsBytes ? bytes(this.data) : inner(this.text, this.count))) return;
    }
    this.call.end();
  }

  override onOver(): void {
    counts.over += 1;
  }
}

function bytes(data: Uint8Array): MessageWriter {
  const writer = new MessageWriter();
  const mark = writer.open(3);
  writer.presentData(1, data, 0, data.length);
  writer.close(mark);
  return writer;
}

/** `count` messages with numbers, each with the name. */
class Count extends Method {
  constructor() {
    super("/test.Echo/Count", MethodKind.SERVER_STREAM, schema, "Inner", "Inner");
  }

  override start(call: Call, request: Message): void {
    const sending = new Sending(call, request.text(1), new Uint8Array(0), false, request.number(2));
    call.hold(sending);
    sending.onWritable();
  }
}

/** `count` times the bytes of the request. */
class Flood extends Method {
  constructor() {
    super("/test.Echo/Flood", MethodKind.SERVER_STREAM, schema, "Inner", "Inner");
  }

  override start(call: Call, request: Message): void {
    const sending = new Sending(call, "", request.message(3).data(1).slice(), true, request.number(2));
    call.hold(sending);
    sending.onWritable();
  }
}

/** Adds up; a name `pause` makes it take no more for a while, another one fails with it. */
class Adding extends MessageReader {
  private readonly call: Call;
  private sum = 0;
  private names = "";
  private isPaused = false;

  constructor(call: Call) {
    super();
    this.call = call;
  }

  override onMessage(message: Message): boolean {
    if (this.isPaused) throw new RpcError(13, "a message that was not asked for");
    this.sum += message.number(2);
    const name = message.text(1);
    this.names += name.slice(0, 1);
    if (name === "fail") throw new RpcError(9, "told to fail");
    if (name !== "pause") return true;
    this.isPaused = true;
    loop.timers.start(new Timer(() => this.resume()), 5);
    return false;
  }

  private resume(): void {
    this.isPaused = false;
    this.call.resume();
  }

  override onEnd(): void {
    this.call.reply(inner(this.names, this.sum));
  }
}

class Sum extends Method {
  constructor() {
    super("/test.Echo/Sum", MethodKind.CLIENT_STREAM, schema, "Inner", "Inner");
  }

  override start(call: Call, _request: Message): void {
    call.reader = new Adding(call);
  }
}

const service = new Service(
  loop,
  [
    new Unary(), new State(), new Count(), new Flood(), new Sum(),
    new Fail("/test.Echo/Fail", MethodKind.UNARY), new Fail("/test.Echo/FailStream", MethodKind.SERVER_STREAM),
    new Wait("/test.Echo/Wait", MethodKind.UNARY), new Wait("/test.Echo/WaitStream", MethodKind.SERVER_STREAM),
  ],
  ["user-agent"],
);
const server = new HttpServer(loop, service, IDLE_LIMIT_MS, FILE_LIMIT, () => loop.stop());
server.listen(Listener.open(parseAddress(programArguments().at(1) ?? "")));
writeText(2, "listening\n");
loop.run();
exit(0);
