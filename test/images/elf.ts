// ELF files with the headers that a test asks for (elf(5)); nothing of them runs.

export const machine = { x86_64: 62, aarch64: 183, riscv: 243 } as const;

export interface ElfOptions {
  readonly machine?: number;
  /** 2 is a program at fixed addresses, 3 one at any (or a library), 1 an object. */
  readonly type?: number;
  /** 2 for 64 bits. */
  readonly bits?: number;
  /** 1 for little-endian. */
  readonly order?: number;
  /** The path in a PT_INTERP header. */
  readonly interpreter?: string;
  /** Bytes that mean nothing. */
  readonly content?: string;
}

const headerSize = 64;
const programHeaderSize = 56;
const load = 1;
const dynamic = 2;
const interp = 3;

/** A PT_LOAD header, a PT_DYNAMIC header where the type is 3, and a PT_INTERP header where one is wanted. */
export function elf(options: ElfOptions = {}): Buffer {
  const type = options.type ?? 2;
  const interpreter = options.interpreter === undefined ? undefined : `${options.interpreter}\0`;
  const segments = [load, ...(type === 3 ? [dynamic] : []), ...(interpreter === undefined ? [] : [interp])];
  const tableEnd = headerSize + segments.length * programHeaderSize;

  const header = Buffer.alloc(headerSize);
  header.set([0x7f, 0x45, 0x4c, 0x46, options.bits ?? 2, options.order ?? 1, 1]);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(options.machine ?? machine.x86_64, 18);
  header.writeBigUInt64LE(BigInt(headerSize), 32);
  header.writeUInt16LE(programHeaderSize, 54);
  header.writeUInt16LE(segments.length, 56);

  const table = segments.map((segment) => {
    const bytes = Buffer.alloc(programHeaderSize);
    bytes.writeUInt32LE(segment, 0);
    if (segment === interp) {
      bytes.writeBigUInt64LE(BigInt(tableEnd), 8);
      bytes.writeBigUInt64LE(BigInt(interpreter?.length ?? 0), 32);
    }
    return bytes;
  });
  return Buffer.concat([header, ...table, Buffer.from(interpreter ?? ""), Buffer.from(options.content ?? "")]);
}
