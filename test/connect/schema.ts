// The types of types.ts by hand for @bufbuild/protobuf, which is the oracle.

import type { DescField, DescMessage, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import * as descriptors from "./descriptors.ts";
import { bool, bytes, enumeration, int64, map, member, message, optional, repeated, sint32, string, timestamp, uint32 } from "./descriptors.ts";

type Fields = Parameters<typeof descriptors.descriptor>[2];

function descriptor(name: string, fields: Fields): ReturnType<typeof descriptors.descriptor> {
  return descriptors.descriptor("test", name, fields);
}

const registry = descriptors.registryOf({
  name: "test.proto",
  package: "test",
  enumType: [{
    name: "Color",
    value: [{ name: "COLOR_UNSPECIFIED", number: 0 }, { name: "COLOR_RED", number: 1 }, { name: "COLOR_DEEP_BLUE", number: 9 }],
  }],
  messageType: [
    descriptor("Nothing", {}),
    descriptor("Leaf", { data: [1, bytes], is_set: [2, bool] }),
    descriptor("Inner", { name: [1, string], count: [2, uint32], leaf: [3, message(".test.Leaf")] }),
    descriptor("All", {
      text: [1, string],
      raw_bytes: [2, bytes],
      is_on: [3, bool],
      count: [4, uint32],
      exit_code: [5, sint32],
      size: [6, int64],
      modified_time: [7, timestamp],
      labels: [8, map],
      color: [9, enumeration(".test.Color")],
      inner: [10, message(".test.Inner")],
      args: [11, repeated(string)],
      inners: [12, repeated(message(".test.Inner"))],
      maybe: [13, optional(string)],
      nothing: [14, message(".test.Nothing")],
      far: [2000, uint32],
    }),
    descriptor("Choice", {
      pid: [1, member(uint32)],
      tag: [2, member(string)],
      inner: [3, member(message(".test.Inner"))],
      blob: [4, member(bytes)],
      other: [5, string],
    }),
    descriptor("Deep", { all: [1, message(".test.All")], choice: [2, message(".test.Choice")], choices: [3, repeated(message(".test.Choice"))] }),
  ],
  service: [{
    name: "Echo",
    method: [
      ...["Unary", "Fail", "Wait"].map((name) => ({ name, inputType: ".test.Inner", outputType: ".test.Inner" })),
      { name: "State", inputType: ".test.Nothing", outputType: ".test.Inner" },
      ...["Count", "Flood", "FailStream", "WaitStream"].map((name) => ({ name, inputType: ".test.Inner", outputType: ".test.Inner", serverStreaming: true })),
      { name: "Sum", inputType: ".test.Inner", outputType: ".test.Inner", clientStreaming: true },
    ],
  }],
});

/** The oracle's type of a name. */
export function oracle(name: string): DescMessage {
  const type = registry.getMessage(`test.${name}`);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

function wireType(field: DescField): WireType {
  if (field.fieldKind === "enum") return WireType.Varint;
  if (field.fieldKind !== "scalar") return WireType.LengthDelimited;
  return field.scalar === 9 || field.scalar === 12 ? WireType.LengthDelimited : WireType.Varint;
}

/** Whether a well-formed message has a known field with another wire type, which the oracle reads as it comes. */
export function isMistyped(type: DescMessage, bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    const field = type.fields.find((candidate) => candidate.number === number);
    if (field !== undefined && wireType(field) !== wire) return true;
    const inner = field?.message;
    if (field?.fieldKind === "map") {
      if (isEntryMistyped(reader.bytes())) return true;
    } else if (inner === undefined) reader.skip(wire, number);
    else if (isMistyped(inner, reader.bytes())) return true;
  }
  return false;
}

/** The same of an entry of a map from strings to strings. */
function isEntryMistyped(bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag();
    if ((number === 1 || number === 2) && wire !== WireType.LengthDelimited) return true;
    reader.skip(wire, number);
  }
  return false;
}

/** A method of the service of echo.ts. */
export function unaryMethod(name: string): DescMethodUnary {
  return descriptors.unaryMethod(registry, "test.Echo", name);
}

export function streamMethod(name: string): DescMethodStreaming {
  return descriptors.streamMethod(registry, "test.Echo", name);
}
