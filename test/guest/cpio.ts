// An archive in cpio's newc format, as the kernel unpacks it into an initramfs. Several may follow each other, a later
// one laying its entries over those before: Documentation/driver-api/early-userspace/buffer-format.rst.

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

export class Archive {
  readonly #parts: Uint8Array[] = [];
  readonly #directories = new Set<string>();
  #inode = 0;

  /** Adds a regular file. Paths are absolute; missing parents are made with mode 0755. */
  file(path: string, content: Uint8Array | string, mode = 0o644): this {
    return this.#add(path, S_IFREG | mode, typeof content === "string" ? Buffer.from(content) : content);
  }

  /** Adds a program. */
  program(path: string, content: Uint8Array | string): this {
    return this.file(path, content, 0o755);
  }

  directory(path: string, mode = 0o755): this {
    if (this.#directories.has(path)) return this;
    this.#directories.add(path);
    return this.#add(path, S_IFDIR | mode, new Uint8Array(0));
  }

  symlink(path: string, target: string): this {
    return this.#add(path, S_IFLNK | 0o777, Buffer.from(target));
  }

  characterDevice(path: string, mode: number, major: number, minor: number): this {
    return this.#add(path, S_IFCHR | mode, new Uint8Array(0), major, minor);
  }

  /** The whole archive, its length a multiple of four. */
  bytes(): Buffer {
    return Buffer.concat([...this.#parts, entry("TRAILER!!!", 0, 0, new Uint8Array(0), 0, 0)]);
  }

  #add(path: string, mode: number, content: Uint8Array, major = 0, minor = 0): this {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") this.directory(parent);
    this.#parts.push(entry(path.slice(1), ++this.#inode, mode, content, major, minor));
    return this;
  }
}

function entry(name: string, inode: number, mode: number, content: Uint8Array, major: number, minor: number): Buffer {
  const bytes = Buffer.from(`${name}\0`);
  // Inode, mode, owner, group, links, time, size, device of the file, device that it is, length of the name, checksum.
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, bytes.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return Buffer.concat([aligned(Buffer.concat([head, bytes])), aligned(content)]);
}

/** The bytes with zeros behind them up to a multiple of four. */
export function aligned(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
