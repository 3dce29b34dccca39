// The services of envd-rpc.md 1.1 to 1.3 by hand, for the clients of connectrpc.com. A oneof is named `kind` in all of them:
// its name is not on the wire.

import type { DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import * as descriptors from "../connect/descriptors.ts";
import { bool, bytes, enumeration, int64, map, member, message, optional, repeated, sint32, string, timestamp, uint32 } from "../connect/descriptors.ts";

type Fields = Parameters<typeof descriptors.descriptor>[2];

interface Package {
  readonly name: string;
  readonly enums: Readonly<Record<string, readonly (readonly [string, number])[]>>;
  readonly messages: Readonly<Record<string, Fields>>;
  /** The service is named like its package with a capital letter; requests and answers like their method. */
  readonly service: string;
  readonly unary: readonly string[];
  readonly serverStreams: readonly string[];
  readonly clientStreams: readonly string[];
}

const selector = message(".process.ProcessSelector");
const nothing = {};

const process: Package = {
  name: "process",
  enums: { Signal: [["SIGNAL_UNSPECIFIED", 0], ["SIGNAL_SIGKILL", 9], ["SIGNAL_SIGTERM", 15]] },
  messages: {
    PtySize: { cols: [1, uint32], rows: [2, uint32] },
    PTY: { size: [1, message(".process.PtySize")] },
    ProcessConfig: { cmd: [1, string], args: [2, repeated(string)], envs: [3, map], cwd: [4, optional(string)] },
    ProcessInfo: { config: [1, message(".process.ProcessConfig")], pid: [2, uint32], tag: [3, optional(string)] },
    ProcessSelector: { pid: [1, member(uint32)], tag: [2, member(string)] },
    ProcessInput: { stdin: [1, member(bytes)], pty: [2, member(bytes)] },
    Nothing: nothing,
    StartEvent: { pid: [1, uint32] },
    DataEvent: { stdout: [1, member(bytes)], stderr: [2, member(bytes)], pty: [3, member(bytes)] },
    EndEvent: { exit_code: [1, sint32], exited: [2, bool], status: [3, string], error: [4, optional(string)] },
    ProcessEvent: {
      start: [1, member(message(".process.StartEvent"))],
      data: [2, member(message(".process.DataEvent"))],
      end: [3, member(message(".process.EndEvent"))],
      keepalive: [4, member(message(".process.Nothing"))],
    },
    InputStart: { process: [1, selector] },
    InputData: { input: [2, message(".process.ProcessInput")] },
    ListRequest: nothing,
    ListResponse: { processes: [1, repeated(message(".process.ProcessInfo"))] },
    StartRequest: { process: [1, message(".process.ProcessConfig")], pty: [2, message(".process.PTY")], tag: [3, optional(string)], stdin: [4, optional(bool)] },
    StartResponse: { event: [1, message(".process.ProcessEvent")] },
    ConnectRequest: { process: [1, selector] },
    ConnectResponse: { event: [1, message(".process.ProcessEvent")] },
    UpdateRequest: { process: [1, selector], pty: [2, message(".process.PTY")] },
    UpdateResponse: nothing,
    SendInputRequest: { process: [1, selector], input: [2, message(".process.ProcessInput")] },
    SendInputResponse: nothing,
    StreamInputRequest: {
      start: [1, member(message(".process.InputStart"))],
      data: [2, member(message(".process.InputData"))],
      keepalive: [3, member(message(".process.Nothing"))],
    },
    StreamInputResponse: nothing,
    SendSignalRequest: { process: [1, selector], signal: [2, enumeration(".process.Signal")] },
    SendSignalResponse: nothing,
    CloseStdinRequest: { process: [1, selector] },
    CloseStdinResponse: nothing,
  },
  service: "Process",
  unary: ["List", "Update", "SendInput", "SendSignal", "CloseStdin"],
  serverStreams: ["Start", "Connect"],
  clientStreams: ["StreamInput"],
};

const entry = message(".filesystem.EntryInfo");
const watch: Fields = { path: [1, string], recursive: [2, bool], include_entry: [3, bool], allow_network_mounts: [4, bool] };

const filesystem: Package = {
  name: "filesystem",
  enums: {
    FileType: [["FILE_TYPE_UNSPECIFIED", 0], ["FILE_TYPE_FILE", 1], ["FILE_TYPE_DIRECTORY", 2], ["FILE_TYPE_SYMLINK", 3]],
    EventType: [
      ["EVENT_TYPE_UNSPECIFIED", 0], ["EVENT_TYPE_CREATE", 1], ["EVENT_TYPE_WRITE", 2], ["EVENT_TYPE_REMOVE", 3],
      ["EVENT_TYPE_RENAME", 4], ["EVENT_TYPE_CHMOD", 5],
    ],
  },
  messages: {
    EntryInfo: {
      name: [1, string],
      type: [2, enumeration(".filesystem.FileType")],
      path: [3, string],
      size: [4, int64],
      mode: [5, uint32],
      permissions: [6, string],
      owner: [7, string],
      group: [8, string],
      modified_time: [9, timestamp],
      symlink_target: [10, optional(string)],
      metadata: [11, map],
    },
    FilesystemEvent: { name: [1, string], type: [2, enumeration(".filesystem.EventType")], entry: [3, entry] },
    Nothing: nothing,
    StatRequest: { path: [1, string] },
    StatResponse: { entry: [1, entry] },
    MakeDirRequest: { path: [1, string] },
    MakeDirResponse: { entry: [1, entry] },
    MoveRequest: { source: [1, string], destination: [2, string] },
    MoveResponse: { entry: [1, entry] },
    RemoveRequest: { path: [1, string] },
    RemoveResponse: nothing,
    ListDirRequest: { path: [1, string], depth: [2, uint32] },
    ListDirResponse: { entries: [1, repeated(entry)] },
    WatchDirRequest: watch,
    WatchDirResponse: {
      start: [1, member(message(".filesystem.Nothing"))],
      filesystem: [2, member(message(".filesystem.FilesystemEvent"))],
      keepalive: [3, member(message(".filesystem.Nothing"))],
    },
    CreateWatcherRequest: watch,
    CreateWatcherResponse: { watcher_id: [1, string] },
    GetWatcherEventsRequest: { watcher_id: [1, string] },
    GetWatcherEventsResponse: { events: [1, repeated(message(".filesystem.FilesystemEvent"))] },
    RemoveWatcherRequest: { watcher_id: [1, string] },
    RemoveWatcherResponse: nothing,
  },
  service: "Filesystem",
  unary: ["Stat", "MakeDir", "Move", "Remove", "ListDir", "CreateWatcher", "GetWatcherEvents", "RemoveWatcher"],
  serverStreams: ["WatchDir"],
  clientStreams: [],
};

type Registry = ReturnType<typeof descriptors.registryOf>;

function registryOf({ name, enums, messages, service, unary, serverStreams, clientStreams }: Package): Registry {
  const types = (method: string) => ({ name: method, inputType: `.${name}.${method}Request`, outputType: `.${name}.${method}Response` });
  return descriptors.registryOf({
    name: `${name}.proto`,
    package: name,
    enumType: Object.entries(enums).map(([type, values]) => ({ name: type, value: values.map(([value, number]) => ({ name: value, number })) })),
    messageType: Object.entries(messages).map(([type, fields]) => descriptors.descriptor(name, type, fields)),
    service: [{
      name: service,
      method: [
        ...unary.map(types),
        ...serverStreams.map((method) => ({ ...types(method), serverStreaming: true })),
        ...clientStreams.map((method) => ({ ...types(method), clientStreaming: true })),
      ],
    }],
  });
}

/** The files of both services for clients of other languages: a google.protobuf.FileDescriptorSet. */
export function descriptorSet(): Uint8Array {
  return descriptors.descriptorSet(services.map(([{ name }, registry]) => registry.getFile(`${name}.proto`)));
}

const services: readonly [Package, Registry][] = [process, filesystem].map((each) => [each, registryOf(each)]);

function home(method: string): [service: string, registry: Registry] {
  const found = services.find(([{ unary, serverStreams, clientStreams }]) => [...unary, ...serverStreams, ...clientStreams].includes(method));
  if (found === undefined) throw new Error(`no method ${method}`);
  return [`${found[0].name}.${found[0].service}`, found[1]];
}

/** A method of either service: no two have one name. */
export function unaryMethod(name: string): DescMethodUnary {
  const [service, registry] = home(name);
  return descriptors.unaryMethod(registry, service, name);
}

export function streamMethod(name: string): DescMethodStreaming {
  const [service, registry] = home(name);
  return descriptors.streamMethod(registry, service, name);
}
