// Cases of E2B's SDK. They run in the runtimes that the SDK is for, so they name none of them, and they look at the
// agent through the SDK alone, so it may be anywhere.

import type { Sandbox } from "e2b";
import type { Agent } from "./agent.ts";

/** What a case works with. */
export interface Place {
  /** The sandbox, as the control plane gave it out: its default user is `user`. */
  readonly sandbox: Sandbox;
  /** A fresh directory, which is the user's. */
  readonly directory: string;
  /** For sandboxes of other kinds. */
  readonly agent: Agent;
}

type Body = (place: Place) => Promise<void>;

export interface Case {
  readonly name: string;
  readonly body: Body;
}

/** Cases with the name of their subject before their own. */
export function cases(subject: string, bodies: Readonly<Record<string, Body>>): Case[] {
  return Object.entries(bodies).map(([name, body]) => ({ name: `${subject}: ${name}`, body }));
}

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** The error that a call fails with, which must be of this class and contain this text. */
export async function failure<E extends Error>(call: Promise<unknown>, kind: ErrorClass<E>, text = ""): Promise<E> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    if (error instanceof kind && error.message.includes(text)) return error;
    throw new Error(`not a ${kind.name} with ${JSON.stringify(text)}: ${String(error)}`, { cause: error });
  }
  throw new Error(`no ${kind.name}, but ${JSON.stringify(value)}`);
}

/** Milliseconds after which what does not come is a failure; not a measure of speed. */
const patience = 60_000;

/** What comes by a callback, waited for by event. */
export class Heard<T> {
  readonly all: T[] = [];
  #wake: () => void = () => {};

  /** The callback. */
  readonly take = (item: T): void => {
    this.all.push(item);
    this.#wake();
  };

  /** Waits until what has come so far is enough. */
  async until(isEnough: (all: readonly T[]) => boolean): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, patience);
    try {
      while (!isEnough(this.all)) {
        if (isLate) throw new Error(`awaited in vain, after ${JSON.stringify(this.all)}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What comes as text, in pieces. */
export class HeardText extends Heard<string> {
  get text(): string {
    return this.all.join("");
  }

  shows(text: string): Promise<void> {
    return this.until(() => this.text.includes(text));
  }
}

/** Waits for what has no event: asks again and again. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > patience) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
