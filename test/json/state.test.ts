// The state that outlives a worker: members of one object in the record of supervisor and worker.

import { expect, test } from "bun:test";
import { State } from "../../json/state.ts";
import { JsonValue } from "../../json/value.ts";
import { createRecordFile, STATE_MAX, StateRecord } from "../../sys/record.ts";
import { writeAt } from "../../sys/memory-file.ts";

const text = (value: JsonValue | undefined): string | undefined => value?.asString();
const string = (value: string): JsonValue => JsonValue.string(value);

test("each member is read by the next worker as it was last written", () => {
  const fd = createRecordFile();
  const state = new State(new StateRecord(fd));
  expect([state.isDamaged, state.get("a")]).toEqual([false, undefined]);
  expect([state.set("a", string("1")), state.set("b", string("x")), state.set("a", string("2"))]).toEqual([true, true, true]);
  const next = new State(new StateRecord(fd));
  expect([next.isDamaged, text(next.get("a")), text(next.get("b")), next.get("c")]).toEqual([false, "2", "x", undefined]);
  next.set("a", JsonValue.null());
  expect([next.get("a")?.isNull(), text(state.get("b"))]).toEqual([true, "x"]);
});

test("a member without end keeps its place and no more", () => {
  const state = new State(new StateRecord(createRecordFile()));
  const large = "x".repeat(STATE_MAX / 3);
  for (let i = 0; i < 10; i++) expect(state.set("a", string(`${i}${large}`))).toBe(true);
  expect(state.set("b", string(large))).toBe(true);
  expect(state.set("c", string(large))).toBe(false);
  expect(text(state.get("a"))).toBe(`9${large}`);
});

test("a record that was torn is damaged, and good again when something is written", () => {
  const fd = createRecordFile();
  new State(new StateRecord(fd)).set("a", string("1"));
  // A byte of the state itself: behind the table of groups, and the header.
  writeAt(fd, new Uint8Array([0]), 4096 + 20 + 3);
  const state = new State(new StateRecord(fd));
  expect([state.isDamaged, state.get("a")]).toEqual([true, undefined]);
  state.set("b", string("x"));
  expect([state.isDamaged, text(state.get("b")), new State(new StateRecord(fd)).isDamaged]).toEqual([true, "x", false]);
});
