/** Case 7 and the rules of a connection's end: hang-ups kill, a half-close does not. */
import { FrameType } from "../../../smolvm/frame.ts";
import { decodeText, encodeText } from "../../../sys/bytes.ts";
import { Case } from "./case.ts";
import { expectText, expectTrue, until } from "./check.ts";
import { runRequest } from "./client.ts";
import type { Connection } from "./connection.ts";
import { gone } from "./gone.ts";

export function lossCases(cases: Case[]): void {
  cases.push(
    new Case("run: a host that closes while a command sleeps takes its group with it", (client) => {
      const connection = client.open(runRequest("sleep 600 & echo $!; wait", ""));
      const pid = firstLine(connection);
      connection.close();
      gone(client, pid);
    }),
    new Case("run: a host that closes while a command writes takes its group with it", (client) => {
      const connection = client.open(runRequest("echo $$; exec yes", ""));
      const pid = firstLine(connection).split("\n").at(0) ?? "";
      connection.close();
      gone(client, pid);
    }),
    new Case("run: a host that half-closes is served to the end", (client) => {
      const connection = client.open(runRequest("sleep 0.5; echo served", ""));
      connection.endSending();
      expectText("stdout", client.result(connection).stdout, "served\n");
    }),
    new Case("put_file: a host that closes half way leaves the target as it was, and no temporary", (client) => {
      client.output("mkdir -p /tmp/half && echo old >/tmp/half/target");
      const connection = client.open('{"op":"put_file","v":1,"path":"/tmp/half/target","size":1000}');
      connection.sendFrame(FrameType.DATA, encodeText("new content that is not all"));
      connection.close();
      until("no temporary is left", () => client.output("ls -A /tmp/half") === "target\n");
      expectText("target", client.output("cat /tmp/half/target"), "old\n");
    }),
  );
}

/** The first output of a command. */
function firstLine(connection: Connection): string {
  expectTrue("output comes", connection.next());
  return decodeText(connection.payload, 0, connection.payload.length).trim();
}
