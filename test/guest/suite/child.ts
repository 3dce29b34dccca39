/** Cases 4 and 6: what a command finds around it. */
import { encodeText } from "../../../sys/bytes.ts";
import { Case } from "./case.ts";
import { expectNumber, expectText, expectTrue } from "./check.ts";
import { type Client, quoted, runRequest } from "./client.ts";

export function childCases(cases: Case[]): void {
  cases.push(
    new Case("run: a command has no descriptor of the agent", (client) => {
      // The fourth is that of the directory being read.
      expectText("descriptors", client.output("cd /proc/self/fd && echo *").split(" 3").join("").trim(), "0 1 2");
    }),
    new Case("run: a command leads a session of its own", (client) => {
      // /proc/PID/stat: pid (comm) state ppid pgrp session.
      const fields = client.output("exec cat /proc/self/stat").split(" ");
      expectText("process group", fields.at(4) ?? "", fields.at(0) ?? "-");
      expectText("session", fields.at(5) ?? "", fields.at(0) ?? "-");
    }),
    new Case("run: no signal is blocked or ignored", (client) => {
      // Not as the last command, which busybox's shell runs in its own place, with SIGQUIT ignored.
      const status = client.output("grep -E '^Sig(Blk|Ign):' /proc/self/status; true");
      expectText("masks", status, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    }),
    new Case("run: a login shell reads /etc/profile, a raw one does not", login),
    new Case("run: env lies over the environment", (client) => {
      const request = runRequest('echo "$HOME $NEW"', ',"env":{"HOME":"/elsewhere","NEW":"x y"}');
      expectText("stdout", client.result(client.open(request)).stdout, "/elsewhere x y\n");
    }),
    new Case("run: values of env become strings as in Python", (client) => {
      const request = runRequest("echo $A $B $C $D $E", ',"env":{"A":1,"B":1.5,"C":true,"D":null,"E":false}');
      expectText("stdout", client.result(client.open(request)).stdout, "1 1.5 True None False\n");
    }),
    new Case("run: a command that cannot be started says why", (client) => {
      const result = client.run("exec /nonexistent");
      expectNumber("exit code", result.exitCode, 127);
    }),
    new Case("run: there is a PATH", (client) => {
      const path = client.output("env | grep ^PATH=").trim();
      expectTrue(`${path} has no /bin`, `${path.slice(5)}:`.includes("/bin:"));
    }),
  );
}

function login(client: Client): void {
  const before = client.get("/etc/profile");
  client.put("/etc/profile", encodeText(`${before}\nexport FROM_PROFILE=yes\n`), ',"mode":420');
  const cmd = quoted("echo [$FROM_PROFILE]");
  const usual = client.result(client.open(`{"op":"run","v":1,"cmd":${cmd}}`));
  const raw = client.run("echo [$FROM_PROFILE]");
  client.put("/etc/profile", encodeText(before), ',"mode":420');
  expectText("login shell", usual.stdout, "[yes]\n");
  expectText("raw shell", raw.stdout, "[]\n");
}
