// EntryInfo and Stat; envd-rpc.md 4.1, 4.2, 6.1, 6.6.

import { expect } from "bun:test";
import { setAttribute } from "../../sys/xattr.ts";
import { listenUnix } from "../libc.ts";
import { failure } from "./cases.ts";
import { FileCases } from "./file-cases.ts";

// The block device is only a name.
const cases = new FileCases({ setup: "mount -t tmpfs tmp /tmp; mknod -m 0660 /srv/disk b 7 200" });

const fixed = { seconds: "1700000000", nanos: 123_456_789 };
const touch = "touch -d '2023-11-14 22:13:20.123456789Z'";

cases.both("F01: files, directories and the root", async (files, place) => {
  place.sh(`printf 0123456789abc >f; chown 1000:1000 f; ${touch} f; mkdir -m 0750 d; ${touch} d`);
  const path = place.at("f");
  expect(await files.stat(path)).toEqual({
    name: "f", type: "FILE_TYPE_FILE", path, size: "13", mode: 0o644, permissions: "-rw-r--r--", owner: "user", group: "user", modifiedTime: fixed,
  });
  const directory = await files.stat(place.at("d/"));
  expect(directory).toMatchObject({ name: "d", type: "FILE_TYPE_DIRECTORY", path: place.at("d/"), mode: 0o750, permissions: "drwxr-x---", owner: "root", group: "root" });
  expect(await files.stat("/")).toMatchObject({ name: "/", type: "FILE_TYPE_DIRECTORY", path: "/" });
});

cases.both("F02: relative paths and those of the home", async (files, place) => {
  place.sh("echo x >f");
  const name = place.path.slice("/home/user/".length);
  const user = files.as("user");
  expect((await user.stat(`${name}/f`)).path).toBe(place.at("f"));
  expect((await user.stat(`./${name}//x/../f`)).path).toBe(place.at("f"));
  expect((await user.stat("~")).path).toBe("/home/user");
  expect((await user.stat("")).path).toBe("/home/user");
  expect((await user.stat(`~/${name}/f`)).path).toBe(place.at("f"));
  expect((await files.stat("")).path).toBe("/root");
  expect(await failure(user.stat("~bob"))).toMatchObject({ code: "invalid_argument", message: "cannot expand user-specific home dir" });
  expect((await failure(user.stat("a\0b"))).code).toBe("invalid_argument");
});

cases.both("F03: an absolute path is told as it is", async (files, place) => {
  place.sh("echo x >f");
  const path = `${place.path}/../${place.path.slice("/home/user/".length)}/f`;
  expect(await files.stat(path)).toMatchObject({ name: "f", path });
});

cases.both("F04: a symbolic link is told with what it leads to", async (files, place) => {
  place.sh("printf abc >f; chmod 0600 f; mkdir d; ln -s f link; ln -s d way; ln -s link chain; chown -h 1000:2000 link");
  const user = files.as("user");
  const name = place.path.slice("/home/user/".length);
  expect(await user.stat(`${name}/link`)).toMatchObject({
    name: "link", type: "FILE_TYPE_FILE", path: place.at("link"), size: "1", mode: 0o600, permissions: "Lrwxrwxrwx", owner: "user", group: "extra", symlinkTarget: place.at("f"),
  });
  expect(await files.stat(place.at("way"))).toMatchObject({ type: "FILE_TYPE_DIRECTORY", mode: 0o755, symlinkTarget: place.at("d") });
  expect((await files.stat(place.at("chain"))).symlinkTarget).toBe(place.at("f"));
});

cases.both("F04: 255 links in a row lead somewhere, 256 nowhere", async (files, place) => {
  place.sh("echo >l0; i=0; while [ $i -lt 256 ]; do ln -s l$i l$((i + 1)); i=$((i + 1)); done");
  expect(await files.stat(place.at("l255"))).toMatchObject({ type: "FILE_TYPE_FILE", symlinkTarget: place.at("l0") });
  const last = await files.stat(place.at("l256"));
  expect(last.type).toBeUndefined();
  expect(last.symlinkTarget).toBe(place.at("l256"));
});

cases.both("F05: links that lead nowhere", async (files, place) => {
  place.sh("ln -s nothing dangling; ln -s loop loop");
  for (const name of ["dangling", "loop"]) {
    const entry = await files.stat(place.at(name));
    expect(entry).toMatchObject({ name, permissions: "Lrwxrwxrwx", symlinkTarget: place.at(name) });
    expect([entry.type, entry.mode]).toEqual([undefined, undefined]);
  }
});

cases.both("F06: what is not there", async (files, place) => {
  const error = await failure(files.stat(place.at("missing")));
  expect([error.code, error.status]).toEqual(["not_found", 404]);
  expect(error.message).toStartWith("file not found: ");
  expect((await failure(files.stat("/etc/passwd/x"))).code).toBe("not_found");
});

cases.both("F07: permissions in words", async (files, place) => {
  place.sh("for m in 0644 4755 2755; do echo >f$m; chmod $m f$m; done; mkdir -m 1777 t; mkfifo -m 0600 p");
  listenUnix(place.in("s"));
  place.sh("chmod 0777 s");
  const look = async (path: string): Promise<unknown[]> => {
    const { permissions, mode, type } = await files.stat(path);
    return [permissions, mode, type];
  };
  const file = "FILE_TYPE_FILE";
  expect(await look(place.at("f0644"))).toEqual(["-rw-r--r--", 0o644, file]);
  expect(await look(place.at("f4755"))).toEqual(["urwxr-xr-x", 0o755, file]);
  expect(await look(place.at("f2755"))).toEqual(["grwxr-xr-x", 0o755, file]);
  expect(await look(place.at("t"))).toEqual(["dtrwxrwxrwx", 0o777, "FILE_TYPE_DIRECTORY"]);
  expect(await look(place.at("p"))).toEqual(["prw-------", 0o600, undefined]);
  expect(await look(place.at("s"))).toEqual(["Srwxrwxrwx", 0o777, undefined]);
  expect(await look("/dev/null")).toEqual(["Dcrw-rw-rw-", 0o666, undefined]);
  expect(await look("/srv/disk")).toEqual(["Drw-rw----", 0o660, undefined]);
});

cases.both("F08: owners without a name are numbers", async (files, place) => {
  place.sh("echo >f; chown 4242:4243 f");
  expect(await files.stat(place.at("f"))).toMatchObject({ owner: "4242", group: "4243" });
});

cases.both("F09: metadata is what the attributes of its prefix say", async (files, place) => {
  place.sh("echo >f; ln -s f link");
  setAttribute(place.in("f"), "user.e2b.a", Buffer.from("1"));
  setAttribute(place.in("f"), "user.other", Buffer.from("2"));
  setAttribute(place.in("f"), "user.e2b.bin", Buffer.from([0xff]));
  expect((await files.stat(place.at("f"))).metadata).toEqual({ a: "1" });
  expect((await files.stat(place.at("link"))).metadata).toEqual({ a: "1" });
});

cases.both("F10: a file system without attributes", async (files) => {
  const entry = await files.stat("/proc/self/status");
  expect([entry.metadata, entry.type]).toEqual([undefined, "FILE_TYPE_FILE"]);
});

cases.both("C31: times to the nanosecond", async (files, place) => {
  place.sh("touch -d @0.5 half; touch -d @0 zero; touch -d @-1.25 before");
  expect((await files.stat(place.at("half"))).modifiedTime).toEqual({ seconds: "0", nanos: 500_000_000 });
  expect((await files.stat(place.at("zero"))).modifiedTime).toBeUndefined();
  expect((await files.stat(place.at("before"))).modifiedTime).toEqual({ seconds: "-2", nanos: 750_000_000 });
});

cases.both("C31: times that a Timestamp cannot be are not told", async (files, place) => {
  place.sh("touch -d @253402300799.5 last; touch -d @253402300800 late; touch -d @-62135596800 first; touch -d @-62135596801 early");
  const times = (await files.list(place.path)).map(({ name, modifiedTime }) => [name, modifiedTime?.seconds]);
  expect(times).toEqual([["early", undefined], ["first", "-62135596800"], ["last", "253402300799"], ["late", undefined]]);
});

cases.once("C31: a fraction of three digits, and one of nine", async (files, place) => {
  place.sh(`touch -d @0.5 half; echo >nine; ${touch} nine`);
  const text = async (name: string): Promise<string> => (await files.post("Stat", Buffer.from(JSON.stringify({ path: place.at(name) })))).text();
  expect(await text("half")).toContain('"modifiedTime":"1970-01-01T00:00:00.500Z"');
  expect(await text("nine")).toContain('"modifiedTime":"2023-11-14T22:13:20.123456789Z"');
});

cases.both("C34: large sizes are exact", async (files, place) => {
  place.sh("truncate -s 2147483648 a; truncate -s 9007199254740993 b");
  expect((await files.stat(place.at("a"))).size).toBe("2147483648");
  expect((await files.stat(place.at("b"))).size).toBe("9007199254740993");
});

const b1 = "0a3f0a05612e747874" + "10011a0a2f746d702f612e747874" + "200d28a403" + "320a2d72772d722d2d722d2d" + "3a0475736572420475736572" + "4a0b0880e2cfaa0610959aef3a";

cases.once("C01: Stat in bytes", async () => {
  const place = cases.place();
  place.sh(`rm -f /tmp/a.txt; printf 0123456789abc >/tmp/a.txt; chown 1000:1000 /tmp/a.txt; ${touch} /tmp/a.txt`);
  const files = cases.files("proto");
  const request = Buffer.from("0a0a2f746d702f612e747874", "hex");
  const response = await files.post("Stat", request);
  expect(response.headers.get("content-type")).toBe("application/proto");
  expect(Buffer.from(await response.arrayBuffer()).toString("hex")).toBe(b1);
  setAttribute(cases.daemon.inside("/tmp/a.txt"), "user.e2b.author", Buffer.from("mish"));
  const withMetadata = Buffer.from(await (await files.post("Stat", request)).arrayBuffer()).toString("hex");
  expect(withMetadata).toBe(`0a4f${b1.slice(4)}5a0e0a06617574686f7212046d697368`);
  place.sh("rm /tmp/a.txt");
});

cases.once("C02: Stat in JSON", async () => {
  const place = cases.place();
  place.sh(`rm -f /tmp/a2.txt; printf 0123456789abc >/tmp/a2.txt; chown 1000:1000 /tmp/a2.txt; ${touch} /tmp/a2.txt`);
  const response = await cases.files("json").post("Stat", Buffer.from('{"path":"/tmp/a2.txt"}'));
  expect(await response.json()).toEqual({
    entry: {
      name: "a2.txt", type: "FILE_TYPE_FILE", path: "/tmp/a2.txt", size: "13", mode: 420, permissions: "-rw-r--r--", owner: "user", group: "user", modifiedTime: "2023-11-14T22:13:20.123456789Z",
    },
  });
  place.sh("rm /tmp/a2.txt");
});

/** The status of a Stat, and the path of its entry or the code of its error. */
async function statBytes(codec: "json" | "proto", body: Buffer): Promise<[number, string]> {
  const files = cases.files(codec);
  const response = await files.post("Stat", new Uint8Array(body));
  try {
    const entry = (await files.decode("Stat", response)).entry as { path: string };
    return [response.status, entry.path];
  } catch (error) {
    return [response.status, (error as { code: string }).code];
  }
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

cases.once("C06, C07, C08, C13: fields that are unknown, of another type, or there twice", async () => {
  expect(await statBytes("json", Buffer.from('{"path":"/","nope":[1,{"a":2}]}'))).toEqual([200, "/"]);
  expect(await statBytes("proto", hex("98 06 05  9b 06 a3 06 08 01 a4 06 9c 06  0a 01 2f"))).toEqual([200, "/"]);
  expect(await statBytes("proto", hex("08 05 0a 01 2f"))).toEqual([200, "/"]);
  expect(await statBytes("proto", hex("0a 01 61 0a 01 2f"))).toEqual([200, "/"]);
});

cases.once("C09, C10, C11, C12, C17, C18: what is malformed", async () => {
  for (const bytes of ["0a 05 61", "0a ff ff ff ff ff ff ff ff ff ff 01 61", "00", "0e", "0f", "0a 02 ff fe"]) {
    expect([bytes, ...(await statBytes("proto", hex(bytes)))]).toEqual([bytes, 400, "invalid_argument"]);
  }
  for (const text of ["{", "[]", "null", '"x"', "{} {}", "\ufeff{}", '{"path":5}', '{"path":"/","path":']) {
    expect([text, ...(await statBytes("json", Buffer.from(text)))]).toEqual([text, 400, "invalid_argument"]);
  }
  expect(await statBytes("json", Buffer.from('{"path":"\xff"}', "latin1"))).toEqual([400, "invalid_argument"]);
});

cases.once("C19: null is the home", async () => {
  expect(await statBytes("json", Buffer.from('{"path":null}'))).toEqual([200, "/root"]);
});

cases.once("C15, C16: both spellings of a field, but not both at once", async () => {
  const files = cases.files("json");
  const id = await files.createWatcher(cases.place().path);
  for (const name of ["watcherId", "watcher_id"]) {
    const response = await files.post("GetWatcherEvents", Buffer.from(JSON.stringify({ [name]: id })));
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
  }
  const response = await files.post("GetWatcherEvents", Buffer.from(JSON.stringify({ watcherId: id, watcher_id: id })));
  expect(response.status).toBe(400);
  await files.removeWatcher(id);
});

cases.once("C32: groups in groups", async () => {
  const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x1b), Buffer.alloc(depth, 0x1c), hex("0a 01 2f")]);
  expect(await statBytes("proto", nested(30))).toEqual([200, "/"]);
  for (const depth of [300, 100_000]) {
    const [status, result] = await statBytes("proto", nested(depth));
    expect([[200, "/"], [400, "invalid_argument"]]).toContainEqual([status, result]);
  }
  expect(await statBytes("proto", hex("0a 01 2f"))).toEqual([200, "/"]);
});
