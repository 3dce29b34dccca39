// protobuf's binary encoding for the messages of the process service, by tables of the tests' own; envd-rpc.md 1.2, 1.4.

type Kind = "string" | "bytes" | "bool" | "uint32" | "sint32" | "map" | keyof typeof messages;

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

function decodeField(kind: Kind, reader: Reader): Value {
  switch (kind) {
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
      return typeof item === "object" && row.kind !== "map" ? fromJson(row.kind, item as Message) : item;
    };
    message[name] = row.isRepeated === true ? (member as Value[]).map(one) : one(member);
  }
  return message;
}
