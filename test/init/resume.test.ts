// What a PID 1 that starts over in place finds of itself.

import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { Held, Resume } from "../../init/resume.ts";
import { parseAddress } from "../../sys/address.ts";
import { close, openNull } from "../../sys/file.ts";

const root = join(import.meta.dir, "../..");

/** What another program reads of a file that it inherits, and which descriptors from 3 to 9 it has left then. */
function readAgain(fd: number, others: (number | "ignore")[]): unknown {
  const program = `
    import { fstatSync, writeSync } from "node:fs";
    import { Resume } from "${root}/init/resume.ts";
    const resume = Resume.read(3);
    const isOpen = (fd) => { try { fstatSync(fd); return true; } catch { return false; } };
    const { fd, restarts, recordFile, workerPid, channel, stopWish } = resume;
    const listeners = resume.listeners.map((held) => [held.fd, held.address.text]);
    const open = [3, 4, 5, 6, 7, 8, 9].filter(isOpen);
    writeSync(1, JSON.stringify({ fd, restarts, recordFile, workerPid, channel, stopWish, listeners, open }));
    process.kill(process.pid, "SIGKILL");
  `;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "pipe", fd, ...others] });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

test("all of it is found again, and what it does not name is closed", () => {
  const resume = Resume.create();
  const spare = openNull();
  resume.recordFile = 4;
  resume.workerPid = 17;
  resume.channel = 5;
  resume.stopWish = 2;
  resume.listeners.push(new Held(parseAddress("unix:/run/a b\tc.sock"), 6), new Held(parseAddress("tcp:127.0.0.1:80"), 8));
  for (let now = 1; now <= 8; now++) resume.addRestart(now * 1000.5);
  expect(readAgain(resume.fd, [spare, spare, spare, spare, spare, spare])).toEqual({
    fd: 3,
    restarts: [3001.5, 4002, 5002.5, 6003, 7003.5, 8004],
    recordFile: 4,
    workerPid: 17,
    channel: 5,
    stopWish: 2,
    listeners: [[6, "unix:/run/a b\tc.sock"], [8, "tcp:127.0.0.1:80"]],
    open: [3, 4, 5, 6, 8],
  });
  for (const fd of [spare, resume.fd]) close(fd);
});

test("what is written later stands alone", () => {
  const resume = Resume.create();
  resume.recordFile = 4;
  resume.listeners = Array.from({ length: 20 }, (_, i) => new Held(parseAddress(`unix:/run/${i}.sock`), 100 + i));
  resume.write();
  resume.listeners = [];
  resume.write();
  expect(readAgain(resume.fd, [])).toMatchObject({ restarts: [], workerPid: 0, channel: -1, stopWish: -1, listeners: [] });
  close(resume.fd);
});

test("it lies in a file of its own, in memory, which no child gets", () => {
  const resume = Resume.create();
  expect(readlinkSync(`/proc/self/fd/${resume.fd}`)).toContain("memfd:mote-resume");
  const { stdout } = Bun.spawnSync(["ls", "-l", "/proc/self/fd"]);
  expect(readdirSync("/proc/self/fd")).toContain(String(resume.fd));
  expect(stdout.toString()).not.toContain("mote-resume");
  close(resume.fd);
});
