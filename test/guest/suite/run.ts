/** Cases 2 to 4: outputs, exit codes, what ends at once. */
import { FrameType } from "../../../smolvm/frame.ts";
import { Case } from "./case.ts";
import { expectError, expectNumber, expectText, expectTrue, Failed } from "./check.ts";
import { type Client, replyOf, runRequest } from "./client.ts";
import { Pattern } from "./pattern.ts";

const BIG = 10_000_000;
const LINES = 20_000;

export function runCases(cases: Case[]): void {
  cases.push(
    new Case("run: standard output alone", (client) => {
      const result = client.run("echo out");
      expectText("stdout", result.stdout, "out\n");
      expectText("stderr", result.stderr, "");
    }),
    new Case("run: standard error alone", (client) => {
      const result = client.run("echo err >&2");
      expectText("stdout", result.stdout, "");
      expectText("stderr", result.stderr, "err\n");
    }),
    new Case("run: both outputs interleaved, each in order", (client) => {
      const result = client.run("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done");
      expectText("stdout", result.stdout, "o1\no2\no3\no4\no5\n");
      expectText("stderr", result.stderr, "e1\ne2\ne3\ne4\ne5\n");
    }),
  );
  for (const code of [0, 1, 3, 127, 255]) cases.push(exitCase(`exit ${code}`, code));
  cases.push(
    exitCase("kill -9 $$", -9),
    exitCase("kill -15 $$", -15),
    exitCase("kill -11 $$", -11),
    new Case("run: no cmd", (client) => expectError(client.ask('{"op":"run","v":1}'), "missing 'cmd'")),
    new Case("run: 10 MB of output, byte for byte", bigOutput),
    new Case("run: NUL and 0xFF come as they are", binaryOutput),
    new Case("run: 20,000 one-line writes", (client) => {
      const result = client.run(`i=0; while [ $i -lt ${LINES} ]; do echo line $i; i=$((i+1)); done`);
      let wanted = 0;
      for (const line of result.stdout.split("\n")) {
        if (line === `line ${wanted}`) wanted++;
      }
      expectNumber("lines in order", wanted, LINES);
    }),
    new Case("run: yes | head -1 ends at once", (client) => {
      expectText("stdout", client.output("yes | head -1"), "y\n");
    }),
    new Case("run: cat ends at once, standard input is /dev/null", (client) => {
      expectText("stdout", client.output("cat"), "");
      expectText("standard input", client.output("readlink /proc/self/fd/0"), "/dev/null\n");
    }),
  );
}

function exitCase(cmd: string, code: number): Case {
  return new Case(`run: '${cmd}' is reported as ${code}`, (client) => {
    const result = client.run(cmd);
    expectText("op", result.reply.get("op")?.asString() ?? "", "exit");
    expectNumber("exit code", result.exitCode, code);
  });
}

function bigOutput(client: Client): void {
  const pattern = new Pattern(7);
  expectTrue("the file is stored", client.put("/tmp/big", pattern.bytes(0, BIG), "").get("ok")?.asBool() === true);
  const connection = client.open(runRequest("cat /tmp/big; rm /tmp/big", ""));
  let position = 0;
  while (connection.next()) {
    if (connection.type === FrameType.JSON) {
      expectNumber("bytes", position, BIG);
      expectNumber("exit code", replyOf(connection).get("exit_code")?.asNumber() ?? NaN, 0);
      connection.expectEnd();
      return;
    }
    expectTrue(`the bytes from ${position} on`, pattern.matches(connection.payload, position));
    position += connection.payload.length;
  }
  throw new Failed("closed before the terminator");
}

function binaryOutput(client: Client): void {
  const connection = client.open(runRequest("printf '\\000\\377\\012\\200'", ""));
  expectTrue("output comes", connection.next());
  expectNumber("frame type", connection.type, FrameType.STDOUT);
  let text = "";
  for (const byte of connection.payload) text += ` ${byte}`;
  expectText("bytes", text, " 0 255 10 128");
  expectTrue("a terminator comes", connection.next());
  connection.expectEnd();
}
