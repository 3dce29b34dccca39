/** Case 5: deadlines. */
import { Case } from "./case.ts";
import { expectText } from "./check.ts";
import { runRequest } from "./client.ts";
import { gone } from "./gone.ts";

export function timeoutCases(cases: Case[]): void {
  cases.push(
    new Case("run: past its timeout a command is killed, and the answer says so", (client) => {
      const result = client.result(client.open(runRequest("echo begun; sleep 600", ',"timeout":0.2')));
      expectText("stdout", result.stdout, "begun\n");
      expectText("op", result.reply.get("op")?.asString() ?? "", "timeout");
      expectText("timeout", result.reply.get("timeout")?.text ?? "", "0.2");
    }),
    new Case("run: a timeout of a whole number is answered as a float", (client) => {
      const result = client.result(client.open(runRequest("sleep 600", ',"timeout":1')));
      expectText("timeout", result.reply.get("timeout")?.text ?? "", "1.0");
    }),
    new Case("run: the timeout kills a grandchild too", (client) => {
      const result = client.result(client.open(runRequest("sleep 600 & echo $!; wait", ',"timeout":0.2')));
      gone(client, result.stdout.trim());
    }),
    new Case("run: the timeout kills one that ignores SIGTERM", (client) => {
      const request = runRequest("trap '' TERM; echo $$; sleep 600; sleep 600", ',"timeout":0.2');
      const result = client.result(client.open(request));
      gone(client, result.stdout.trim());
    }),
    new Case("run: a timeout of null or 0 is none", (client) => {
      expectText("null", client.result(client.open(runRequest("sleep 0.1; echo x", ',"timeout":null'))).stdout, "x\n");
      expectText("0", client.result(client.open(runRequest("sleep 0.1; echo x", ',"timeout":0'))).stdout, "x\n");
    }),
  );
}
