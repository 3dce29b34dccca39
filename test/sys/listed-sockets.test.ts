// The tables of /proc/net, whole, cut and damaged.

import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ListedSockets } from "../../sys/listed-sockets.ts";
import { Loopback } from "../../sys/listening-sockets.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const directory = scratchDirectory();
afterAll(() => remove(directory));
const path = join(directory, "table");

type Row = [Loopback, number, number];

function rows(text: string | Uint8Array): Row[] {
  writeFileSync(path, text);
  const sockets = new ListedSockets(path, new Uint8Array(4096));
  const read = (): Row[] => {
    const all: Row[] = [];
    expect(sockets.begin()).toBe(true);
    while (sockets.next()) all.push([sockets.loopback, sockets.port, sockets.inode]);
    return all;
  };
  const all = read();
  expect(read()).toEqual(all);
  return all;
}

const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode" + " ".repeat(52);
const rest = "00000000:00000000 00:00000000 00000000";
const line = (slot: number, local: string, state: string, inode: number): string =>
  `${`${slot}`.padStart(4)}: ${local} ${local.replace(/[0-9A-F]/g, "0")} ${state} ${rest}  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0`.padEnd(149);

const v6 = "00000000000000000000000001000000:1F90";
const mapped = "0000000000000000FFFF00000100007F:1F91";

test("addresses and ports are told apart", () => {
  const text = [
    heading,
    line(0, "0100007F:1F90", "0A", 1234),
    line(1, "3500007F:0035", "0A", 5),
    line(2, "00000000:0016", "0A", 6),
    line(12345, "0100007F:FFFF", "0A", 4294967295),
  ];
  const expected: Row[] = [[Loopback.V4, 8080, 1234], [Loopback.NONE, 53, 5], [Loopback.NONE, 22, 6], [Loopback.V4, 65535, 4294967295]];
  expect(rows(`${text.join("\n")}\n`)).toEqual(expected);
  // Without a newline at the end, too.
  expect(rows(text.join("\n"))).toEqual(expected);
});

test("of IPv6 ::1 and the mapped 127.0.0.1 are loopback, and nothing near them", () => {
  const others = ["00000000000000000000000000000000:0001", "00000000000000000000000001000001:0001", "0000000000000000FFFF00003500007F:0001",
    "0000000001000000FFFF00000100007F:0001", "0000000000000000000000000100007F:0001"];
  const text = [heading, line(0, v6, "0A", 1), line(1, mapped, "0A", 2), ...others.map((local, slot) => line(slot, local, "0A", 3))];
  expect(rows(text.join("\n"))).toEqual([
    [Loopback.V6, 8080, 1], [Loopback.V4, 8081, 2], ...others.map((): Row => [Loopback.NONE, 1, 3]),
  ]);
});

test("L116: nothing is read behind the first socket that does not listen", () => {
  const text = [heading, line(0, v6, "0A", 1), line(1, v6, "01", 2), line(2, v6, "0A", 3)];
  expect(rows(text.join("\n"))).toEqual([[Loopback.V6, 8080, 1]]);
});

test("L117: damaged lines are passed over, and no others", () => {
  const good = line(7, "0100007F:0050", "0A", 42);
  const bad = [
    "", " ", "0:", "   0: 0100007F:1F90", "   0: 0100007F:1F90 00000000:0000 0A", good.slice(0, 80),
    line(0, "0100007F:1F9G", "0A", 1), line(0, "0100007F:11F90", "0A", 1), line(0, "0100007G:1F90", "0A", 1),
    line(0, "0100007F:1F90", "0G", 1), line(0, "0100007F:1F90", "00A", 1), line(0, "100007F:1F90", "0A", 1),
    good.replace(" 42 ", " 4x "), "\0".repeat(200), "x".repeat(5000), "y".repeat(100_000),
  ];
  for (const one of bad) expect(rows([heading, one, good, one, good].join("\n"))).toEqual([[Loopback.V4, 80, 42], [Loopback.V4, 80, 42]]);
});

test("L117: cut anywhere, a table gives the sockets before the cut", () => {
  const text = [heading, ...Array.from({ length: 60 }, (_, slot) => line(slot, "0100007F:1F90", "0A", slot))].join("\n");
  for (let end = 0; end < text.length; end += 37) {
    const count = rows(text.slice(0, end)).length;
    const whole = Math.max(text.slice(0, end).split("\n").length - 2, 0);
    expect(count - whole === 0 || count - whole === 1).toBe(true);
  }
});

test("L117: bytes of any kind do no harm", () => {
  const piece = fc.oneof(
    fc.constantFrom(heading, line(0, "0100007F:1F90", "0A", 1), line(0, v6, "0A", 2), line(0, mapped, "01", 3), "\n", " ", ":"),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      for (const [loopback, port, inode] of rows(Buffer.from(pieces.join(""), "latin1"))) {
        expect([Loopback.NONE, Loopback.V4, Loopback.V6]).toContain(loopback);
        expect(port).toBeGreaterThanOrEqual(0);
        expect(port).toBeLessThan(65536);
        expect(inode).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 300 },
  );
});
