// protobuf's binary encoding for the messages of the services, by tables of the tests' own; envd-rpc.md 1.2 to 1.4.

type Kind = "string" | "bytes" | "bool" | "uint32" | "sint32" | "int64" | "timestamp" | "map" | keyof typeof enums | keyof typeof messages;

interface Field {
  readonly number: number;
  readonly kind: Kind;
  readonly isRepeated?: boolean;
}

type Value = string | number | boolean | Buffer | undefined | Message | Value[];
export interface Message {
  [name: string]: Value;
}

function field(number: number, kind: string, isRepeated = false): Field {
  return { number, kind: kind as Kind, isRepeated };
}

/** Values by their names; in messages they are names in both codecs. */
const enums = {
  FileType: ["FILE_TYPE_UNSPECIFIED", "FILE_TYPE_FILE", "FILE_TYPE_DIRECTORY", "FILE_TYPE_SYMLINK"],
  EventType: ["EVENT_TYPE_UNSPECIFIED", "EVENT_TYPE_CREATE", "EVENT_TYPE_WRITE", "EVENT_TYPE_REMOVE", "EVENT_TYPE_RENAME", "EVENT_TYPE_CHMOD"],
} as const;

function enumOf(kind: string): readonly string[] | undefined {
  return (enums as Record<string, readonly string[]>)[kind];
}

const path = { path: field(1, "string") };
const watch = { ...path, recursive: field(2, "bool"), includeEntry: field(3, "bool"), allowNetworkMounts: field(4, "bool") };
const watcherId = { watcherId: field(1, "string") };
const entry = { entry: field(1, "EntryInfo") };

const selector = { process: field(1, "ProcessSelector") };

/** Field names are those of JSON. */
const messages = {
  Empty: {},
  PtySize: { cols: field(1, "uint32"), rows: field(2, "uint32") },
  Pty: { size: field(1, "PtySize") },
  ProcessConfig: {
    cmd: field(1, "string"),
    args: field(2, "string", true),
    envs: field(3, "map"),
    cwd: field(4, "string"),
  },
  ProcessSelector: { pid: field(1, "uint32"), tag: field(2, "string") },
  ProcessInput: { stdin: field(1, "bytes"), pty: field(2, "bytes") },
  ProcessInfo: { config: field(1, "ProcessConfig"), pid: field(2, "uint32"), tag: field(3, "string") },
  List: {},
  ListResponse: { processes: field(1, "ProcessInfo", true) },
  Start: { process: field(1, "ProcessConfig"), pty: field(2, "Pty"), tag: field(3, "string"), stdin: field(4, "bool") },
  Connect: selector,
  CloseStdin: selector,
  Update: { ...selector, pty: field(2, "Pty") },
  SendInput: { ...selector, input: field(2, "ProcessInput") },
  SendSignal: { ...selector, signal: field(2, "uint32") },
  StreamStart: selector,
  StreamData: { input: field(2, "ProcessInput") },
  StreamInput: { start: field(1, "StreamStart"), data: field(2, "StreamData"), keepalive: field(3, "Empty") },
  StartEvent: { pid: field(1, "uint32") },
  DataEvent: { stdout: field(1, "bytes"), stderr: field(2, "bytes"), pty: field(3, "bytes") },
  EndEvent: {
    exitCode: field(1, "sint32"),
    exited: field(2, "bool"),
    status: field(3, "string"),
    error: field(4, "string"),
  },
  ProcessEvent: {
    start: field(1, "StartEvent"),
    data: field(2, "DataEvent"),
    end: field(3, "EndEvent"),
    keepalive: field(4, "Empty"),
  },
  EventResponse: { event: field(1, "ProcessEvent") },
  Stat: path,
  StatResponse: entry,
  MakeDir: path,
  MakeDirResponse: entry,
  Move: { source: field(1, "string"), destination: field(2, "string") },
  MoveResponse: entry,
  ListDir: { ...path, depth: field(2, "uint32") },
  ListDirResponse: { entries: field(1, "EntryInfo", true) },
  Remove: path,
  RemoveResponse: {},
  WatchDir: watch,
  WatchDirResponse: { start: field(1, "Empty"), filesystem: field(2, "FilesystemEvent"), keepalive: field(3, "Empty") },
  CreateWatcher: watch,
  CreateWatcherResponse: watcherId,
  GetWatcherEvents: watcherId,
  GetWatcherEventsResponse: { events: field(1, "FilesystemEvent", true) },
  RemoveWatcher: watcherId,
  RemoveWatcherResponse: {},
  FilesystemEvent: { name: field(1, "string"), type: field(2, "EventType"), entry: field(3, "EntryInfo") },
  EntryInfo: {
    name: field(1, "string"),
    type: field(2, "FileType"),
    path: field(3, "string"),
    size: field(4, "int64"),
    mode: field(5, "uint32"),
    permissions: field(6, "string"),
    owner: field(7, "string"),
    group: field(8, "string"),
    modifiedTime: field(9, "timestamp"),
    symlinkTarget: field(10, "string"),
    metadata: field(11, "map"),
  },
} as const;

function fieldsOf(type: string): Record<string, Field> {
  const fields = (messages as Record<string, Record<string, Field>>)[type];
  if (fields === undefined) throw new Error(`no message ${type}`);
  return fields;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}

function delimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function encodeField({ number, kind }: Field, value: Value): Buffer {
  switch (kind) {
    case "bool":
    case "uint32":
      return Buffer.concat([varint(number * 8), varint(Number(value))]);
    case "string":
      return delimited(number, Buffer.from(String(value)));
    case "bytes":
      return delimited(number, value as Buffer);
    case "map": {
      const entries = Object.entries(value as Record<string, string>);
      return Buffer.concat(
        entries.map(([key, entry]) => delimited(number, Buffer.concat([delimited(1, Buffer.from(key)), delimited(2, Buffer.from(entry))]))),
      );
    }
    default:
      return delimited(number, encode(kind, value as Message));
  }
}

/** Everything that is there is written, defaults too. */
export function encode(type: string, message: Message): Buffer {
  const parts: Buffer[] = [];
  for (const [name, row] of Object.entries(fieldsOf(type))) {
    const value = message[name];
    if (value === undefined) continue;
    for (const one of row.isRepeated === true ? (value as Value[]) : [value]) parts.push(encodeField(row, one));
  }
  return Buffer.concat(parts);
}

class Reader {
  at = 0;

  constructor(readonly bytes: Buffer) {}

  /** All 64 bits. */
  word(): bigint {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error("a truncated message");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  }

  varint(): number {
    for (let value = 0, scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new Error("a truncated message");
      value += (byte % 0x80) * scale;
      if (byte < 0x80) return value;
    }
  }

  delimited(): Buffer {
    const length = this.varint();
    this.at += length;
    if (this.at > this.bytes.length) throw new Error("a truncated message");
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** Seconds and nanoseconds, of either codec. */
function timestamp(bytes: Buffer): Message {
  const time: Message = { seconds: "0", nanos: 0 };
  for (const reader = new Reader(bytes); reader.at < bytes.length; ) {
    if (reader.varint() === 8) time.seconds = String(reader.word());
    else time.nanos = reader.varint();
  }
  return time;
}

function timestampOfText(text: string): Message {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return { seconds: String(Date.parse(`${seconds}Z`) / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}

function decodeField(kind: Kind, reader: Reader): Value {
  const values = enumOf(kind);
  if (values !== undefined) return values[reader.varint()];
  switch (kind) {
    case "int64":
      return String(reader.word());
    case "timestamp":
      return timestamp(reader.delimited());
    case "bool":
      return reader.varint() !== 0;
    case "uint32":
      return reader.varint();
    case "sint32": {
      const value = reader.varint();
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    case "string":
      return reader.delimited().toString();
    case "bytes":
      return Buffer.from(reader.delimited());
    case "map":
      throw new Error("decoded with its message");
    default:
      return decode(kind, reader.delimited());
  }
}

/** Absent fields are absent: nothing gets a default. */
export function decode(type: string, bytes: Buffer): Message {
  const message: Message = {};
  const rows = Object.entries(fieldsOf(type));
  for (const reader = new Reader(bytes); reader.at < bytes.length; ) {
    const number = Math.floor(reader.varint() / 8);
    const [name, row] = rows.find(([, candidate]) => candidate.number === number) ?? [];
    if (name === undefined || row === undefined) throw new Error(`no field ${number} in ${type}`);
    if (row.kind === "map") {
      const entry = new Reader(reader.delimited());
      entry.at += 1;
      const key = entry.delimited().toString();
      entry.at += 1;
      const map = (message[name] ?? {}) as Message;
      map[key] = entry.delimited().toString();
      message[name] = map;
      continue;
    }
    const value = decodeField(row.kind, reader);
    if (row.isRepeated === true) message[name] = [...((message[name] ?? []) as Value[]), value];
    else message[name] = value;
  }
  return message;
}

/** The same in JSON: bytes in base64. */
export function toJson(message: Message): string {
  return JSON.stringify(message, function (this: Message, key: string, value: Value) {
    // Buffers come as what their toJSON has made of them.
    const original = this[key];
    return Buffer.isBuffer(original) ? original.toString("base64") : value;
  });
}

/** Back again, by the kinds of the fields. */
export function fromJson(type: string, value: Message): Message {
  const message: Message = {};
  for (const [name, row] of Object.entries(fieldsOf(type))) {
    const member = value[name];
    if (member === undefined) continue;
    const one = (item: Value): Value => {
      if (row.kind === "bytes") return Buffer.from(String(item), "base64");
      if (row.kind === "timestamp") return timestampOfText(String(item));
      return typeof item === "object" && row.kind !== "map" ? fromJson(row.kind, item as Message) : item;
    };
    message[name] = row.isRepeated === true ? (member as Value[]).map(one) : one(member);
  }
  return message;
}
