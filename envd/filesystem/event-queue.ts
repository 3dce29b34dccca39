/** Events of a watcher that nobody has taken yet. */

/** What one queue, and what all of them together may take; bytes. */
const QUEUE_MAX = 16 * 1024 * 1024;
const ALL_MAX = 64 * 1024 * 1024;
/** What an event costs beside its message, about. */
const EVENT_BYTES = 128;
const COMPACT_HEAD = 256;

/** What all queues take. */
export class EventBudget {
  used = 0;
}

export class WatchEvent {
  /** A FilesystemEvent in the binary encoding. */
  readonly bytes: Uint8Array;
  /** Its first so many bytes are the same without the entry. */
  readonly plainSize: number;

  constructor(bytes: Uint8Array, plainSize: number) {
    this.bytes = bytes;
    this.plainSize = plainSize;
  }
}

export class EventQueue {
  private readonly budget: EventBudget;
  private readonly limit: number;
  private events: WatchEvent[] = [];
  private head = 0;
  private used = 0;

  /** For at most `limit` events. */
  constructor(budget: EventBudget, limit: number) {
    this.budget = budget;
    this.limit = limit;
  }

  get count(): number {
    return this.events.length - this.head;
  }

  /** Adds an event. Returns false where there is no room for it. */
  push(event: WatchEvent): boolean {
    const cost = event.bytes.length + EVENT_BYTES;
    if (this.count >= this.limit || this.used + cost > QUEUE_MAX || this.budget.used + cost > ALL_MAX) return false;
    this.events.push(event);
    this.charge(cost);
    return true;
  }

  /** Takes the first one. */
  shift(): WatchEvent | undefined {
    const event = this.events.at(this.head);
    if (event === undefined) return undefined;
    this.charge(-event.bytes.length - EVENT_BYTES);
    this.head += 1;
    if (this.head >= COMPACT_HEAD && this.head * 2 >= this.events.length) {
      this.events = this.events.slice(this.head);
      this.head = 0;
    }
    return event;
  }

  /** Takes all. */
  takeAll(): WatchEvent[] {
    const events = this.events.slice(this.head);
    this.events = [];
    this.head = 0;
    this.charge(-this.used);
    return events;
  }

  private charge(cost: number): void {
    const budget = this.budget;
    this.used += cost;
    budget.used += cost;
  }
}
