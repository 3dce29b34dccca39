import { expect, test } from "bun:test";
import { hangLimit } from "../agent.ts";
import { onEachHost } from "./program.ts";

const address = ["--unix", "/none.sock"];

const mistakes: [string, string[], string][] = [
  ["no command", address, "say what to do: ping, run, put or get"],
  ["an unknown command", [...address, "pong"], "pong: no such command; there are ping, run, put and get"],
  ["an unknown option", ["--frob", "ping"], "--frob: no such option"],
  ["an option of another command", [...address, "ping", "--mode", "1"], "--mode: ping has no such option"],
  ["an option without its value", ["ping", "--unix"], "--unix needs a value"],
  ["two addresses", [...address, ...address, "ping"], "--unix: one address is enough"],
  ["a vsock port without its VM", ["--vsock", "1024", "ping"], "'vsock:1024' does not say which VM; write CID:PORT"],
  ["a Firecracker socket without its port", ["--firecracker", "/x", "ping"], "'firecracker:/x' does not name a socket and a port"],
  ["a Firecracker port that is no number", ["--firecracker", "/x:y", "ping"], "'firecracker:/x:y' does not name a socket and a port"],
  ["a host name", ["--tcp", "example.org:1", "ping"], "'example.org' is not a numeric IPv4 or IPv6 address"],
  ["run without a command", [...address, "run", "--"], "run needs a command; write run -- COMMAND..."],
  ["run with an empty command", [...address, "run", ""], "run needs a command; write run -- COMMAND..."],
  ["a timeout that is no number", [...address, "run", "--timeout", "1s", "x"], "--timeout 1s: write seconds, as in 10 or 0.5"],
  ["a timeout with two points", [...address, "run", "--timeout", "1.2.3", "x"], "--timeout 1.2.3: write seconds"],
  ["a variable without a value", [...address, "run", "-e", "A", "x"], "-e A: write -e NAME=VALUE"],
  ["a variable without a name", [...address, "run", "-e", "=A", "x"], "-e =A: write -e NAME=VALUE"],
  ["put with one path", [...address, "put", "x"], "put needs two paths; write put LOCAL REMOTE"],
  ["put with three paths", [...address, "put", "x", "y", "z"], "'z': put takes no more arguments"],
  ["get with one path", [...address, "get", "x"], "get needs two paths; write get REMOTE LOCAL"],
  ["a mode that is not octal", [...address, "put", "x", "y", "--mode", "0789"], "--mode 0789: write permission bits in octal"],
  ["a mode beyond 07777", [...address, "put", "x", "y", "--mode", "10000"], "--mode 10000: write permission bits in octal"],
  ["no address", ["ping"], "no address: give --unix PATH, --vsock CID:PORT, --tcp HOST:PORT or --firecracker PATH:PORT, or set MOTE_ADDRESS"],
];

onEachHost((motectl) => {
  test.each(mistakes)("%s exits with 2 and says what to do", async (_, args, message) => {
    const { code, stdout, stderr } = await motectl.call(args);
    expect(stderr).toStartWith(`motectl: ${message}`);
    expect(stderr).toEndWith("\nTry 'motectl --help'.\n");
    expect(stdout.length).toBe(0);
    expect(code).toBe(2);
  }, hangLimit);

  test("a MOTE_ADDRESS that is none is a mistake like another", async () => {
    const { code, stderr } = await motectl.call(["ping"], { env: { MOTE_ADDRESS: "nowhere" } });
    expect(stderr).toStartWith("motectl: 'nowhere' is not an address");
    expect(code).toBe(2);
  }, hangLimit);

  test.each(["--help", "-h", "run --help", "put x --help"])("%s prints the help", async (line) => {
    const { code, stdout } = await motectl.call(line.split(" "));
    for (const word of ["ping", "run", "put", "get", "--unix", "--vsock", "--tcp", "--firecracker", "MOTE_ADDRESS", "124", "125"]) {
      expect(stdout.toString()).toContain(word);
    }
    for (const line of stdout.toString().split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    expect(code).toBe(0);
  }, hangLimit);

  test("--version prints the version", async () => {
    expect((await motectl.call(["--version"])).stdout.toString()).toMatch(/^motectl \d+\.\d+\.\d+\n$/);
  }, hangLimit);
});
