/** Cases 9 and 10: files into the guest. */
import { CHUNK_BYTES, FrameType, HEADER_BYTES, MAX_PAYLOAD_BYTES, writeHeader } from "../../../smolvm/frame.ts";
import { encodeText } from "../../../sys/bytes.ts";
import { Case } from "./case.ts";
import { expectError, expectErrorStart, expectNumber, expectOk, expectText, expectTrue } from "./check.ts";
import type { Client } from "./client.ts";
import { Pattern } from "./pattern.ts";

const BIG = 20_000_000;
const DIRECTORY = "/tmp/put";

/** Modes in a request, and as stat prints them. */
const MODES: string[][] = [
  [',"mode":384', "600"],
  [',"mode":493', "755"],
  [',"mode":2541', "4755"],
  [',"mode":null', "600"],
  ["", "600"],
];

export function putCases(cases: Case[]): void {
  cases.push(
    new Case("put_file: no bytes", (client) => {
      client.output(`mkdir -p ${DIRECTORY}`);
      expectOk(client.put(`${DIRECTORY}/empty`, new Uint8Array(0), ""));
      expectText("size", client.output(`stat -c %s ${DIRECTORY}/empty`), "0\n");
    }),
    new Case("put_file, get_file: 20 MB, byte for byte", roundTrip),
  );
  for (const row of MODES) cases.push(modeCase(row.at(0) ?? "", row.at(1) ?? ""));
  cases.push(
    new Case("put_file: a relative path starts at the agent's directory", (client) => {
      const place = client.output("pwd").trim();
      expectOk(client.put("tmp-relative", encodeText("x"), ""));
      expectText("content", client.output(`cat ${place}/tmp-relative && rm ${place}/tmp-relative`), "x");
    }),
    new Case("put_file: .. is resolved without looking", (client) => {
      expectOk(client.put(`${DIRECTORY}/nowhere/../up`, encodeText("y"), ""));
      expectText("content", client.output(`cat ${DIRECTORY}/up`), "y");
    }),
    new Case("put_file: readers see the old content until all is there", replace),
    new Case("put_file: the target is a directory", (client) => {
      client.output(`mkdir -p ${DIRECTORY}/directory`);
      expectErrorStart(client.put(`${DIRECTORY}/directory`, encodeText("x"), ""), "[Errno 21] Is a directory");
      expectText("what is left", client.output(`ls -A ${DIRECTORY} | grep smolvm-put || true`), "");
    }),
    new Case("put_file: the parent is missing; the payload is drained before the reply", (client) => {
      const reply = client.put("/nonexistent/file", new Pattern(3).bytes(0, 1_000_000), "");
      expectErrorStart(reply, "cannot create file: [Errno 2] No such file or directory");
    }),
    new Case("put_file: no path", (client) => expectError(client.ask('{"op":"put_file","v":1}'), "missing 'path'")),
    new Case("put_file: the disk is full", (client) => {
      client.output("mkdir -p /tmp/full && mount -t tmpfs -o size=1m tmpfs /tmp/full");
      const reply = client.put("/tmp/full/file", new Pattern(5).bytes(0, 3_000_000), "");
      const left = client.output("ls -A /tmp/full; umount /tmp/full");
      expectErrorStart(reply, "[Errno 28] No space left on device");
      expectText("what is left", left, "");
    }),
    new Case("put_file: a frame of another type", (client) => {
      const connection = client.open(`{"op":"put_file","v":1,"path":"${DIRECTORY}/typed","size":10}`);
      connection.sendFrame(FrameType.STDOUT, encodeText("x"));
      expectErrorStart(client.reply(connection), "unexpected frame type 2 during upload");
      expectNumber("exit code of test -e", client.run(`test -e ${DIRECTORY}/typed`).exitCode, 1);
    }),
    new Case("put_file: a frame above 16 MiB drops the connection", (client) => {
      const connection = client.open(`{"op":"put_file","v":1,"path":"${DIRECTORY}/large","size":20000000}`);
      const header = new Uint8Array(HEADER_BYTES);
      writeHeader(header, 0, FrameType.DATA, MAX_PAYLOAD_BYTES + 1);
      connection.send(header);
      connection.expectEnd();
      expectNumber("exit code of test -e", client.run(`test -e ${DIRECTORY}/large`).exitCode, 1);
    }),
    new Case("put_file: an EOF frame before all bytes: what came is stored", (client) => {
      const connection = client.open(`{"op":"put_file","v":1,"path":"${DIRECTORY}/short","size":1000}`);
      connection.sendFrame(FrameType.DATA, encodeText("short"));
      connection.sendFrame(FrameType.EOF, new Uint8Array(0));
      expectOk(client.reply(connection));
      expectText("content", client.output(`cat ${DIRECTORY}/short`), "short");
    }),
  );
}

function roundTrip(client: Client): void {
  const pattern = new Pattern(11);
  const path = `${DIRECTORY}/big`;
  const upload = client.open(`{"op":"put_file","v":1,"path":"${path}","size":${BIG},"mode":416}`);
  for (let at = 0; at < BIG; at += CHUNK_BYTES) {
    upload.sendFrame(FrameType.DATA, pattern.bytes(at, Math.min(CHUNK_BYTES, BIG - at)));
  }
  upload.sendFrame(FrameType.EOF, new Uint8Array(0));
  expectOk(client.reply(upload));
  const download = client.openGet(path);
  expectTrue("a header comes", download.next());
  let position = 0;
  while (download.next() && download.type === FrameType.DATA) {
    expectTrue(`the bytes from ${position} on`, pattern.matches(download.payload, position));
    position += download.payload.length;
  }
  expectNumber("the last frame's type", download.type, FrameType.EOF);
  download.expectEnd();
  expectNumber("bytes", position, BIG);
  expectText("size and mode", client.output(`stat -c '%s %a' ${path} && rm ${path}`), `${BIG} 640\n`);
}

function modeCase(more: string, mode: string): Case {
  return new Case(`put_file:${more === "" ? " no mode" : ` ${more.slice(1)}`} leaves ${mode}`, (client) => {
    expectOk(client.put(`${DIRECTORY}/mode`, encodeText("x"), more));
    expectText("mode", client.output(`stat -c %a ${DIRECTORY}/mode`), `${mode}\n`);
  });
}

function replace(client: Client): void {
  const path = `${DIRECTORY}/replaced`;
  expectOk(client.put(path, encodeText("old"), ""));
  const connection = client.open(`{"op":"put_file","v":1,"path":"${path}","size":6}`);
  connection.sendFrame(FrameType.DATA, encodeText("new"));
  expectText("half way", client.get(path), "old");
  connection.sendFrame(FrameType.DATA, encodeText("er!"));
  expectOk(client.reply(connection));
  expectText("afterwards", client.get(path), "newer!");
}
