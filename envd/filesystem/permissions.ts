/** Permissions in words; envd-rpc.md 4.2. */
import type { FileStatus } from "../../sys/status.ts";

const BITS = "rwxrwxrwx";

/** The letters of all that a file is, then its permission bits. */
export function permissionText(status: FileStatus): string {
  const mode = status.mode;
  let text = "";
  if (status.isDirectory) text += "d";
  if (status.isLink) text += "L";
  if (status.isBlockDevice || status.isCharacterDevice) text += "D";
  if (status.isFifo) text += "p";
  if (status.isSocket) text += "S";
  if ((mode & 0o4000) !== 0) text += "u";
  if ((mode & 0o2000) !== 0) text += "g";
  if (status.isCharacterDevice) text += "c";
  if ((mode & 0o1000) !== 0) text += "t";
  if (text === "") text = "-";
  for (let bit = 0; bit < 9; bit++) text += (mode & (0o400 >> bit)) !== 0 ? BITS.charAt(bit) : "-";
  return text;
}
