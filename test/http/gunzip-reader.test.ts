// How much a request's body in gzip costs in one turn of the loop. What comes out is tested from outside.

import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { DecodedReader } from "../../http/decoded-reader.ts";
import { Exchange } from "../../http/exchange.ts";
import { GunzipReader } from "../../http/gunzip-reader.ts";
import { RequestHead } from "../../http/head.ts";
import { BUFFER_BYTES, Transport } from "../../http/transport.ts";
import { BufferPool } from "../../sys/buffers.ts";
import { Loop } from "../../sys/loop.ts";

const MOST = 512 * 1024;

/** A connection that only counts how often the body is to go on later. */
class NoTransport extends Transport {
  later = 0;

  constructor() {
    super(-1, new Loop(), new BufferPool(BUFFER_BYTES));
  }

  override get isBlocked(): boolean {
    return false;
  }

  override get keepsAlive(): boolean {
    return true;
  }

  override onReady(): void {}

  override send(): boolean {
    return true;
  }

  override offer(): number {
    return 0;
  }

  override sendFile(): number {
    return 0;
  }

  override startBody(): void {}

  override resumeBody(isLater: boolean): void {
    if (isLater) this.later++;
  }

  override update(): void {}

  override endResponse(): void {}

  override abort(): void {}
}

class Counter extends DecodedReader {
  bytes = 0;
  isEnd = false;

  override onBody(_bytes: Uint8Array, start: number, end: number): number {
    this.bytes += end - start;
    return end - start;
  }

  override onBodyEnd(): void {
    this.isEnd = true;
  }

  override onBodyLost(): void {}

  override onNotCoded(): void {}

  override onDamaged(): void {}
}

test.each([
  ["a bomb", gzipSync(new Uint8Array(60_000_000)), 60_000_000, 100],
  ["many empty members", Buffer.concat(Array.from({ length: 3000 }, () => gzipSync(""))), 0, 1],
])("%s goes on in bounded turns", (_, body, size, leastTurns) => {
  const transport = new NoTransport();
  const counter = new Counter();
  const reader = new GunzipReader(new Exchange(transport, new RequestHead()), counter);
  let turns = 0;
  for (let at = 0; at < body.length; turns++) {
    const before = counter.bytes;
    const taken = reader.onBody(body, at, body.length);
    expect(counter.bytes - before).toBeLessThanOrEqual(MOST);
    // Who is not done has asked to be called again.
    expect(transport.later).toBe(at + taken < body.length ? turns + 1 : turns);
    expect(taken).toBeGreaterThan(0);
    at += taken;
  }
  reader.onBodyEnd();
  expect([counter.bytes, counter.isEnd]).toEqual([size, true]);
  expect(turns).toBeGreaterThanOrEqual(leastTurns);
});
