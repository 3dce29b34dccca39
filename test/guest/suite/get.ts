/** Case 11: files out of the guest. */
import { encodeText } from "../../../sys/bytes.ts";
import { Case } from "./case.ts";
import { expectError, expectNumber, expectOk, expectText, expectTrue } from "./check.ts";
import { replyOf } from "./client.ts";

export function getCases(cases: Case[]): void {
  cases.push(
    new Case("get_file: a missing file", (client) => {
      expectError(client.refusedGet("/nonexistent"), "[Errno 2] No such file or directory: '/nonexistent'");
    }),
    new Case("get_file: a directory", (client) => expectError(client.refusedGet("/tmp"), "not a regular file")),
    new Case("get_file: a device", (client) => expectError(client.refusedGet("/dev/null"), "not a regular file")),
    new Case("get_file: a FIFO does not hold it up", (client) => {
      client.output("rm -f /tmp/fifo; mkfifo /tmp/fifo");
      expectError(client.refusedGet("/tmp/fifo"), "not a regular file");
    }),
    new Case("get_file: no path", (client) => expectError(client.ask('{"op":"get_file","v":1}'), "missing 'path'")),
    new Case("get_file: a file of /proc without a size is sent whole", (client) => {
      expectTrue("it says Linux", client.get("/proc/version").startsWith("Linux version "));
    }),
    new Case("get_file: the header has mode and size", (client) => {
      expectOk(client.put("/tmp/header", encodeText("12345"), ',"mode":2541'));
      const connection = client.openGet("/tmp/header");
      expectTrue("a header comes", connection.next());
      const header = replyOf(connection);
      expectNumber("mode", header.get("mode")?.asNumber() ?? -1, 0o4755);
      expectNumber("size", header.get("size")?.asNumber() ?? -1, 5);
      connection.close();
    }),
    new Case("get_file: no bytes", (client) => {
      expectOk(client.put("/tmp/none", new Uint8Array(0), ""));
      expectText("content", client.get("/tmp/none"), "");
    }),
  );
}
