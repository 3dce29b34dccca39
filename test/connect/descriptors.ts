// Descriptors of protobuf types by hand for @bufbuild/protobuf and the clients of connectrpc.com: no .proto file, no code
// that is generated.

import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type FileRegistry,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_timestamp,
} from "@bufbuild/protobuf/wkt";

interface FieldShape {
  readonly type: Type;
  readonly typeName?: string;
  readonly isRepeated?: boolean;
  readonly isOneof?: boolean;
  readonly isOptional?: boolean;
  /** Whether it is a map from strings to strings. */
  readonly isMap?: boolean;
}

export const string = { type: Type.STRING };
export const bytes = { type: Type.BYTES };
export const bool = { type: Type.BOOL };
export const uint32 = { type: Type.UINT32 };
export const sint32 = { type: Type.SINT32 };
export const int64 = { type: Type.INT64 };
export const map: FieldShape = { type: Type.MESSAGE, isMap: true, isRepeated: true };
export const timestamp: FieldShape = { type: Type.MESSAGE, typeName: ".google.protobuf.Timestamp" };

/** A field of a message type, or of an enum, by its full name with a dot before it. */
export const message = (typeName: string): FieldShape => ({ type: Type.MESSAGE, typeName });
export const enumeration = (typeName: string): FieldShape => ({ type: Type.ENUM, typeName });

export const repeated = (shape: FieldShape): FieldShape => ({ ...shape, isRepeated: true });
export const optional = (shape: FieldShape): FieldShape => ({ ...shape, isOptional: true });
/** A member of the oneof of its message, whose name is `kind`. */
export const member = (shape: FieldShape): FieldShape => ({ ...shape, isOneof: true });

type Fields = Readonly<Record<string, readonly [number, FieldShape]>>;

function camel(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function entryName(field: string): string {
  return `${field.slice(0, 1).toUpperCase()}${field.slice(1)}Entry`;
}

function entry(field: string): MessageInitShape<typeof DescriptorProtoSchema> {
  return {
    name: entryName(field),
    options: { mapEntry: true },
    field: ["key", "value"].map((key, i) => ({ name: key, jsonName: key, number: i + 1, type: Type.STRING, label: Label.OPTIONAL })),
  };
}

/** A message type of a package. */
export function descriptor(packageName: string, name: string, fields: Fields): MessageInitShape<typeof DescriptorProtoSchema> {
  const hasOneof = Object.values(fields).some(([, shape]) => shape.isOneof === true);
  const optionals = Object.entries(fields).filter(([, [, shape]]) => shape.isOptional === true).map(([field]) => field);
  const maps = Object.entries(fields).filter(([, [, shape]]) => shape.isMap === true).map(([field]) => field);
  const typeName = (field: string, shape: FieldShape): string | undefined =>
    shape.isMap === true ? `.${packageName}.${name}.${entryName(field)}` : shape.typeName;
  return {
    name,
    nestedType: maps.map(entry),
    oneofDecl: [...(hasOneof ? [{ name: "kind" }] : []), ...optionals.map((field) => ({ name: `_${field}` }))],
    field: Object.entries(fields).map(([field, [number, shape]]) => {
      const type = typeName(field, shape);
      return {
        name: field,
        jsonName: camel(field),
        number,
        type: shape.type,
        label: shape.isRepeated === true ? Label.REPEATED : Label.OPTIONAL,
        ...(type === undefined ? {} : { typeName: type }),
        ...(shape.isOneof === true ? { oneofIndex: 0 } : {}),
        ...(shape.isOptional === true ? { oneofIndex: (hasOneof ? 1 : 0) + optionals.indexOf(field), proto3Optional: true } : {}),
      };
    }),
  };
}

/** The types and services of a file. */
export function registryOf(file: MessageInitShape<typeof FileDescriptorProtoSchema>): FileRegistry {
  const whole = create(FileDescriptorProtoSchema, { syntax: "proto3", dependency: ["google/protobuf/timestamp.proto"], ...file });
  return createFileRegistry(whole, (name) => (name.startsWith("google/") ? file_google_protobuf_timestamp.proto : undefined));
}

/** Files, and the one that they all depend on, as a google.protobuf.FileDescriptorSet. */
export function descriptorSet(files: readonly (DescFile | undefined)[]): Uint8Array {
  const all = [file_google_protobuf_timestamp, ...files].flatMap((file) => (file === undefined ? [] : [file.proto]));
  return toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: all }));
}

function named(registry: FileRegistry, service: string, name: string): DescMethod {
  const found = registry.getService(service)?.methods.find((method) => method.name === name);
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

/** A method of a service. (The kinds of methods are no union that could be narrowed.) */
export function unaryMethod(registry: FileRegistry, service: string, name: string): DescMethodUnary {
  const method = named(registry, service, name);
  if (method.methodKind !== "unary") throw new Error(`${name} is a stream`);
  return method as DescMethodUnary;
}

export function streamMethod(registry: FileRegistry, service: string, name: string): DescMethodStreaming {
  const method = named(registry, service, name);
  if (method.methodKind === "unary") throw new Error(`${name} is no stream`);
  return method as DescMethodStreaming;
}
