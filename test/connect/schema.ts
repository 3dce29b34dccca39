// The types of types.ts by hand for @bufbuild/protobuf, which is the oracle.

import { create, createFileRegistry, type DescField, type DescMessage, type DescMethod, type DescMethodStreaming, type DescMethodUnary } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

interface FieldShape {
  readonly type: Type;
  readonly typeName?: string;
  readonly isRepeated?: boolean;
  readonly isOneof?: boolean;
  readonly isOptional?: boolean;
}

const string = { type: Type.STRING };
const bytes = { type: Type.BYTES };
const bool = { type: Type.BOOL };
const uint32 = { type: Type.UINT32 };
const message = (typeName: string): FieldShape => ({ type: Type.MESSAGE, typeName });
const repeated = (shape: FieldShape): FieldShape => ({ ...shape, isRepeated: true });
const member = (shape: FieldShape): FieldShape => ({ ...shape, isOneof: true });

type Fields = Readonly<Record<string, readonly [number, FieldShape]>>;

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function descriptor(name: string, fields: Fields) {
  const hasOneof = Object.values(fields).some(([, shape]) => shape.isOneof === true);
  const optional = Object.entries(fields).filter(([, [, shape]]) => shape.isOptional === true).map(([field]) => field);
  const entry = {
    name: "LabelsEntry",
    options: { mapEntry: true },
    field: ["key", "value"].map((key, i) => ({ name: key, jsonName: key, number: i + 1, type: Type.STRING, label: Label.OPTIONAL })),
  };
  return {
    name,
    nestedType: "labels" in fields ? [entry] : [],
    oneofDecl: [...(hasOneof ? [{ name: "kind" }] : []), ...optional.map((field) => ({ name: `_${field}` }))],
    field: Object.entries(fields).map(([field, [number, shape]]) => ({
      name: field,
      jsonName: camel(field),
      number,
      type: shape.type,
      label: shape.isRepeated === true ? Label.REPEATED : Label.OPTIONAL,
      ...(shape.typeName === undefined ? {} : { typeName: shape.typeName }),
      ...(shape.isOneof === true ? { oneofIndex: 0 } : {}),
      ...(shape.isOptional === true ? { oneofIndex: (hasOneof ? 1 : 0) + optional.indexOf(field), proto3Optional: true } : {}),
    })),
  };
}

const file = create(FileDescriptorProtoSchema, {
  name: "test.proto",
  package: "test",
  syntax: "proto3",
  dependency: ["google/protobuf/timestamp.proto"],
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
      exit_code: [5, { type: Type.SINT32 }],
      size: [6, { type: Type.INT64 }],
      modified_time: [7, message(".google.protobuf.Timestamp")],
      labels: [8, repeated(message(".test.All.LabelsEntry"))],
      color: [9, { type: Type.ENUM, typeName: ".test.Color" }],
      inner: [10, message(".test.Inner")],
      args: [11, repeated(string)],
      inners: [12, repeated(message(".test.Inner"))],
      maybe: [13, { ...string, isOptional: true }],
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

const registry = createFileRegistry(file, (name) => (name.startsWith("google/") ? file_google_protobuf_timestamp.proto : undefined));

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

const methods = registry.getService("test.Echo")?.methods ?? [];

function named(name: string): DescMethod {
  const found = methods.find((method) => method.name === name);
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

/** A method of the service of echo.ts. (The kinds of methods are no union that could be narrowed.) */
export function unaryMethod(name: string): DescMethodUnary {
  const method = named(name);
  if (method.methodKind !== "unary") throw new Error(`${name} is a stream`);
  return method as DescMethodUnary;
}

export function streamMethod(name: string): DescMethodStreaming {
  const method = named(name);
  if (method.methodKind === "unary") throw new Error(`${name} is no stream`);
  return method as DescMethodStreaming;
}
