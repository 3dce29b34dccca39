/** Cases 1: ping, versions, operations. */
import { Case } from "./case.ts";
import { expectError, expectNumber, expectOk, expectText } from "./check.ts";

/** Versions as JSON, and how a refusal spells them; empty where they are accepted. */
const VERSIONS: string[][] = [
  ["1", ""],
  ["null", ""],
  ["0", "0"],
  ["2", "2"],
  ["999", "999"],
  ['"1"', "1"],
];

const OPERATIONS: string[][] = [
  ['"frobnicate"', "'frobnicate'"],
  ["null", "None"],
  ["3", "3"],
];

export function pingCases(cases: Case[]): void {
  cases.push(
    new Case("ping: a pong with the agent's version and protocol 1", (client) => {
      const reply = client.ask('{"op":"ping"}');
      expectOk(reply);
      expectText("op", reply.get("op")?.asString() ?? "", "pong");
      expectNumber("proto", reply.get("proto")?.asNumber() ?? 0, 1);
    }),
  );
  for (const row of VERSIONS) cases.push(versionCase(row.at(0) ?? "", row.at(1) ?? ""));
  for (const row of OPERATIONS) cases.push(operationCase(row.at(0) ?? "", row.at(1) ?? ""));
}

function versionCase(version: string, refusal: string): Case {
  return new Case(`ping: v ${version} is ${refusal === "" ? "accepted" : "refused"}`, (client) => {
    const reply = client.ask(`{"op":"ping","v":${version}}`);
    if (refusal === "") expectOk(reply);
    else expectError(reply, `unsupported protocol version ${refusal}`);
  });
}

function operationCase(operation: string, spelling: string): Case {
  return new Case(`op ${operation} is unknown`, (client) => {
    expectError(client.ask(`{"op":${operation},"v":1}`), `unknown op ${spelling}`);
  });
}
