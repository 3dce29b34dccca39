/** Cases 8 and 12: many connections, and peers that do not speak the protocol. */
import { FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, writeHeader } from "../../../smolvm/frame.ts";
import { encodeText } from "../../../sys/bytes.ts";
import { Case } from "./case.ts";
import { expectNumber } from "./check.ts";
import { type Client, runRequest } from "./client.ts";
import type { Connection } from "./connection.ts";
import { Pattern } from "./pattern.ts";

const MANY = 100;
const IDLE = 900;
/** Connections opened at a time: AF_VSOCK resets what a backlog of 128 does not hold. */
const BATCH = 100;
const DEPTH = 100_000;

/** First frames that are no request: the agent closes without a word. */
const GARBAGE: string[][] = [
  ["text that is not JSON", "hello"],
  ["a cut-off object", '{"op":'],
  ["an array", "[1]"],
  ["NaN", '{"op":"ping","v":NaN}'],
  ["no bytes", ""],
];

export function abuseCases(cases: Case[]): void {
  cases.push(
    new Case("100 commands at once are all answered, and pings meanwhile", concurrent),
    new Case("900 idle connections harm nobody", idle),
  );
  for (const row of GARBAGE) cases.push(garbageCase(row.at(0) ?? "", row.at(1) ?? ""));
  cases.push(
    new Case("a request nested 100,000 deep is closed silently", (client) => {
      client.open(`{"op":${"[".repeat(DEPTH)}`).expectEnd();
    }),
    new Case("a first frame of another type is closed silently", (client) => {
      const connection = client.connect();
      connection.sendFrame(FrameType.DATA, encodeText('{"op":"ping"}'));
      connection.expectEnd();
    }),
    new Case("a first frame above 16 MiB is closed silently", (client) => {
      const connection = client.connect();
      const header = new Uint8Array(HEADER_BYTES);
      writeHeader(header, 0, FrameType.JSON, MAX_PAYLOAD_BYTES + 1);
      connection.send(header);
      connection.expectEnd();
    }),
    new Case("half a header, then the end: closed silently", (client) => {
      const connection = client.connect();
      connection.send(new Uint8Array(3));
      connection.endSending();
      connection.expectEnd();
    }),
    new Case("random bytes are closed silently", (client) => {
      const connection = client.connect();
      connection.send(new Pattern(99).bytes(0, 5000));
      connection.endSending();
      connection.expectEnd();
    }),
    new Case("a request that comes byte by byte is served", (client) => {
      const connection = client.connect();
      const text = '{"op":"ping","v":1}';
      const header = new Uint8Array(HEADER_BYTES);
      writeHeader(header, 0, FrameType.JSON, text.length);
      for (let i = 0; i < HEADER_BYTES; i++) connection.send(header.subarray(i, i + 1));
      for (const char of text) connection.send(encodeText(char));
      client.reply(connection);
    }),
  );
}

function concurrent(client: Client): void {
  const connections: Connection[] = [];
  for (let i = 0; i < MANY; i++) connections.push(client.open(runRequest(`sleep 1; exit ${i}`, "")));
  client.ping();
  let code = 0;
  for (const connection of connections) {
    expectNumber("exit code", client.result(connection).exitCode, code);
    code++;
  }
}

function idle(client: Client): void {
  const connections: Connection[] = [];
  while (connections.length < IDLE) {
    for (let i = 0; i < BATCH; i++) connections.push(client.connect());
    // Its connection is taken after theirs.
    client.ping();
  }
  for (const connection of connections) connection.close();
}

function garbageCase(name: string, text: string): Case {
  return new Case(`${name} for a request: closed silently`, (client) => {
    client.open(text).expectEnd();
  });
}
