// Listeners.

import { expect, test } from "bun:test";
import { parseAddress } from "../../sys/address.ts";
import { Listener } from "../../sys/socket.ts";
import { scratchFiles } from "./scratch-files.ts";

const { fresh } = scratchFiles();

test("a listener's backlog is as long as asked for", () => {
  const paths = [fresh(), fresh()];
  const listeners = [Listener.open(parseAddress(`unix:${paths[0]}`)), Listener.open(parseAddress(`unix:${paths[1]}`), 100)];
  const lines = Bun.spawnSync(["ss", "-lxnH"]).stdout.toString().split("\n");
  const backlogs = paths.map((path) => lines.find((line) => line.includes(`${path} `))?.split(/ +/)[3]);
  for (const listener of listeners) listener.close();
  expect(backlogs).toEqual(["1024", "100"]);
});
