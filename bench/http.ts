// HTTP beside C floors, and beside nginx; started by run.sh, which builds what this needs.

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { HEADS, listening, measured, measureRows, type Program, type Row } from "./beside.ts";
import { Options } from "./options.ts";
import { table, verdict } from "./report.ts";
import { machine, writePart } from "./results.ts";
import { NATIVE } from "./server.ts";

const USAGE = `usage: bench/run.sh http [--quick] [--rounds N] [--only ROW,...]

  --quick   a short dose; prints only, and writes to build/bench/
  --only    get, close, download, upload, gzip, idle (all)`;

interface Dose {
  readonly rounds: number;
  readonly requests: number;
  readonly bytes: number;
  readonly text: number;
}

const FULL: Dose = { rounds: 9, requests: 50_000, bytes: 1_000_000_000, text: 200_000_000 };
const QUICK: Dose = { rounds: 3, requests: 10_000, bytes: 200_000_000, text: 50_000_000 };
const IDLE_CONNECTIONS = 1000;
const SETTLE_MS = 2000;

const options = Options.parse(USAGE, "rounds", "only");
const dose = options.dose(FULL, QUICK);
const folder = mkdtempSync("/dev/shm/mote-http-");
const mote = (own: number): string[] => [NATIVE, "--no-supervise", "--envd", `tcp:127.0.0.1:${own}`, "--isnotfc"];

function nginx(own: number): string[] {
  const home = `${folder}/nginx`;
  mkdirSync(home, { recursive: true });
  writeFileSync(
    `${home}/nginx.conf`,
    `worker_processes 1; daemon off; master_process off; pid ${home}/pid; error_log ${home}/error;
     events { worker_connections 64; }
     http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_body_temp_path ${home};
       proxy_temp_path ${home}; fastcgi_temp_path ${home}; uwsgi_temp_path ${home}; scgi_temp_path ${home};
       server { listen 127.0.0.1:${own}; root ${folder}; } }`,
  );
  return ["nginx", "-c", `${home}/nginx.conf`, "-e", `${home}/error`];
}

function client(one: Program, ...args: string[]): number {
  return measured(/"(?:per_s|mb_s)":([0-9.]+)/, "build/bench/http-client", String(one.port), ...args);
}

const big = `${folder}/big`;
const text = `${folder}/text`;
const stored = `${folder}/stored`;
const files = (path: string): string => `/files?path=${encodeURIComponent(path)}&username=root`;

/** Words of a few kinds in no order: what compresses to about a third, as source text does. */
function writeText(path: string, bytes: number): void {
  const words = Array.from({ length: 4096 }, (_, i) => `${((i * 2654435761) >>> 0).toString(36)} `);
  let state = 1;
  const fd = openSync(path, "w");
  for (let written = 0; written < bytes; ) {
    let chunk = "";
    while (chunk.length < 1 << 20) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      chunk += words[state >>> 20] ?? "";
    }
    written += writeSync(fd, chunk.slice(0, Math.min(chunk.length, bytes - written)));
  }
  closeSync(fd);
}

function writeBig(path: string, bytes: number): void {
  const chunk = new Uint8Array(1 << 20).fill(0x5a);
  const fd = openSync(path, "w");
  for (let left = bytes; left > 0; left -= chunk.length) writeSync(fd, chunk, 0, Math.min(left, chunk.length));
  closeSync(fd);
}

const floor = (...words: string[]) => (own: number): string[] => ["build/bench/floor-http", String(own), ...words];

const ROWS: readonly Row[] = [
  {
    name: "get", text: "GET /health, one connection", unit: "a second", target: { least: 0.6 },
    start: async () => [await listening("floor", floor("answer")), await listening("mote", mote)],
    measure: (one) => client(one, "get", "/health", String(dose.requests)),
  },
  {
    name: "close", text: "GET /health, a connection each", unit: "a second", target: { least: 0.6 },
    start: async () => [await listening("floor", floor("answer")), await listening("mote", mote)],
    measure: (one) => client(one, "close", "/health", String(Math.ceil(dose.requests / 5))),
  },
  {
    name: "download", text: "download", unit: "MB/s", target: { least: 0.85 }, besides: { least: 0.8 },
    start: async () => {
      writeBig(big, dose.bytes);
      const own = [await listening("floor", floor("file", big)), await listening("mote", mote)];
      return Bun.which("nginx") === null ? own : [...own, await listening("nginx", nginx)];
    },
    measure: (one) => client(one, "download", one.name === "nginx" ? "/big" : files(big)),
  },
  {
    name: "upload", text: "upload", unit: "MB/s", target: { least: 0.8 },
    start: async () => [await listening("floor", floor("store", stored)), await listening("mote", mote)],
    measure: (one) => {
      rmSync(stored, { force: true });
      const value = client(one, "upload", files(stored), String(dose.bytes));
      if (statSync(stored).size !== dose.bytes) throw new Error(`${one.name}: a file of ${statSync(stored).size} bytes`);
      return value;
    },
  },
  {
    name: "gzip", text: "gzip download, MB of the file", unit: "MB/s", target: { least: 0.9 },
    start: async () => {
      writeText(text, dose.text);
      return [{ name: "floor", port: 0, server: null }, await listening("mote", mote)];
    },
    measure: (one) => {
      if (one.server === null) return measured(/"mb_s":([0-9.]+)/, "build/bench/floor-gzip", text);
      const seconds = measured(
        /"seconds":([0-9.]+)/, "build/bench/http-client", String(one.port), "download", files(text), "Accept-Encoding: gzip",
      );
      return dose.text / 1e6 / seconds;
    },
  },
];

/** Bytes of resident memory that a connection costs which waits for its next request. */
async function measureIdle(): Promise<string> {
  const one = await listening("mote", mote);
  try {
    await Bun.sleep(SETTLE_MS);
    const before = one.server?.memory().rss ?? NaN;
    const held = Bun.spawn(["build/bench/http-client", String(one.port), "hold", "/health", String(IDLE_CONNECTIONS)], {
      stdin: "pipe", stdout: "pipe",
    });
    await held.stdout.getReader().read();
    await Bun.sleep(SETTLE_MS);
    const after = one.server?.memory().rss ?? NaN;
    held.kill();
    await held.exited;
    const each = ((after - before) * 1024) / IDLE_CONNECTIONS;
    const text = `${IDLE_CONNECTIONS.toLocaleString("en-US")} idle connections: ${before} kB before, ${after} kB with them`;
    return `${text}: ${each.toFixed(0)} bytes each; target at most 1,024: ${verdict(each, { most: 1024 })}.`;
  } finally {
    await one.server?.stop();
  }
}

try {
  const paragraphs = [
    `${machine()}.`,
    `Written by \`bench/run.sh http\`; medians of ${dose.rounds} interleaved rounds over loopback, client and server on one CPU, files on tmpfs.`,
  ];
  const lines = await measureRows(ROWS.filter((row) => options.wants(row.name)), dose.rounds, () => {
    for (const path of [big, text, stored]) rmSync(path, { force: true });
  });
  if (lines.length > 0) paragraphs.push(table([HEADS, ...lines]));
  if (options.wants("idle")) paragraphs.push(await measureIdle());
  console.log(`\n${paragraphs.join("\n\n")}`);
  await writePart(options.path("http", "only"), "HTTP", paragraphs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
