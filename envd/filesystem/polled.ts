/** A watcher whose events are asked for; envd-rpc.md 4.7. */
import type { Call } from "../../connect/call.ts";
import { internal, type RpcError } from "../../connect/error.ts";
import { ListAnswer } from "../../connect/list-answer.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { randomName } from "../../sys/file.ts";
import type { Loop } from "../../sys/loop.ts";
import { Job, type Slices } from "../slices.ts";
import { type EventBudget, EventQueue, type WatchEvent } from "./event-queue.ts";
import { notFound } from "./failures.ts";
import { isLegacy, markLegacy } from "./legacy.ts";
import { filesystemSchema } from "./messages.ts";
import type { WatchRequest } from "./watch-request.ts";
import { Watcher } from "./watcher.ts";

/** Events that are kept for a client that does not ask. */
const MAX_EVENTS = 65_536;
/** Watchers at one time. The kernel mostly allows fewer; fs.inotify.max_user_instances. */
const MAX_WATCHERS = 1024;
const ID_LENGTH = 20;

/** One who waits for the events up to a point. */
class Poll {
  readonly call: Call;
  readonly goal: number;

  constructor(call: Call, goal: number) {
    this.call = call;
    this.goal = goal;
  }
}

export class PolledWatcher extends Watcher {
  private readonly table: WatcherTable;
  private readonly jobs: Slices;
  /** Who has asked for it. */
  private readonly creator: Call;
  private polls: Poll[] = [];
  private failure: RpcError | undefined;

  constructor(creator: Call, loop: Loop, slices: Slices, request: WatchRequest, budget: EventBudget, table: WatcherTable) {
    super(loop, slices, request, new EventQueue(budget, MAX_EVENTS));
    this.table = table;
    this.jobs = slices;
    this.creator = creator;
  }

  /** Answers a call with all that has happened and was not told yet. Throws RpcError where it has failed. */
  poll(call: Call): void {
    if (this.failure !== undefined && this.queue.count === 0) throw this.failure;
    if (this.isReleased) return this.answer(call);
    this.polls.push(new Poll(call, this.goal()));
    this.begin();
  }

  /** Its id means nothing any more. */
  remove(error: RpcError): void {
    this.release();
    this.queue.takeAll();
    for (const poll of this.polls) poll.call.fail(error);
    this.polls = [];
  }

  protected override onWatched(): void {
    // Nobody could ever ask for it.
    if (this.creator.isOver) return this.release();
    const out = new MessageWriter();
    out.text(1, this.table.enter(this));
    markLegacy(this.creator);
    this.creator.reply(out);
  }

  protected override onEvents(taken: number): void {
    if (this.polls.length === 0) return;
    const ready = this.polls.filter((poll) => poll.goal <= taken);
    this.polls = this.polls.filter((poll) => poll.goal > taken);
    for (const poll of ready) this.answer(poll.call);
  }

  protected override onFailed(error: RpcError): void {
    this.failure = error;
    // A tree that could not be watched as a whole.
    this.creator.fail(error);
    const polls = this.polls;
    this.polls = [];
    for (const poll of polls) {
      if (this.queue.count > 0) this.answer(poll.call);
      else poll.call.fail(error);
    }
  }

  /** What a call that is over would have got stays. */
  private answer(call: Call): void {
    if (call.isOver) return;
    const events = this.queue.takeAll();
    const answer = new ListAnswer(call, filesystemSchema.type("EventsResponse"));
    const hasEntries = !isLegacy(call);
    let next = 0;
    const step = (): boolean => {
      const event: WatchEvent | undefined = events.at(next);
      next += 1;
      if (event !== undefined) {
        answer.add(event.bytes, 0, hasEntries ? event.bytes.length : event.plainSize);
        return true;
      }
      markLegacy(call);
      answer.send();
      return false;
    };
    this.jobs.add(new Job(step, (error) => call.fail(error)));
  }
}

/** The watchers that can be asked, by their ids. */
export class WatcherTable {
  private readonly watchers = new Map<string, PolledWatcher>();

  /** Adds one that watches from now on. Returns its id. Throws RpcError where there are too many. */
  enter(watcher: PolledWatcher): string {
    if (this.watchers.size >= MAX_WATCHERS) throw internal("too many watchers");
    const id = `w${(randomName() + randomName()).slice(0, ID_LENGTH)}`;
    this.watchers.set(id, watcher);
    return id;
  }

  /** Throws RpcError where there is none. */
  get(id: string): PolledWatcher {
    const watcher = this.watchers.get(id);
    if (watcher === undefined) throw unknown(id);
    return watcher;
  }

  /** Throws RpcError where there is none. */
  remove(id: string): void {
    this.get(id).remove(unknown(id));
    this.watchers.delete(id);
  }
}

function unknown(id: string): RpcError {
  return notFound(`watcher with id ${id} not found`);
}
