/** A move to another file system: a copy beside the target, which takes its place, and then the source goes. */
import { internal, type RpcError } from "../../connect/error.ts";
import { SysError } from "../../sys/errno.ts";
import { TemporaryFile } from "../../sys/file.ts";
import { rename } from "../../sys/node.ts";
import { directoryOf } from "../../sys/path.ts";
import { TreeCopier } from "../../sys/tree-copier.ts";
import { TreeRemover } from "../../sys/tree-remover.ts";

const PREFIX = ".mote-move-";

export class Transfer {
  private readonly target: string;
  private readonly temporary: string;
  private readonly source: string;
  private copier: TreeCopier | undefined;
  /** Of what is not needed any more: the source, or a copy that cannot stay. */
  private remover: TreeRemover | undefined;
  private failure: RpcError | undefined;

  constructor(source: string, target: string) {
    this.source = source;
    this.target = target;
    this.temporary = TemporaryFile.nameIn(directoryOf(target), PREFIX);
    this.copier = new TreeCopier(source, this.temporary);
  }

  /** Does one piece. Returns whether there is more to do. Throws RpcError; the source is whole then, or the target is. */
  step(): boolean {
    const remover = this.remover;
    if (remover !== undefined) {
      if (remover.step()) return true;
      if (this.failure !== undefined) throw this.failure;
      return false;
    }
    try {
      if (this.copier?.step() === true) return true;
      rename(this.temporary, this.target);
      this.remover = new TreeRemover(this.source);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      this.failure = internal(`error moving to another file system: ${error.describe()}`);
      this.remover = new TreeRemover(this.temporary);
    }
    this.copier?.close();
    return true;
  }

  /** Gives up. */
  close(): void {
    this.copier?.close();
    this.remover?.close();
  }
}
