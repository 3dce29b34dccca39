/** Loading of kernel modules, finit_module(2). */
import { addressOf, call6 } from "#libc";
import { isX86 } from "./architecture.ts";
import { cstring } from "./bytes.ts";
import { Call } from "./calls.ts";
import { check, Errno } from "./errno.ts";
import { close, openForReading } from "./file.ts";

const SYS_FINIT_MODULE_X86 = 313;
const SYS_FINIT_MODULE_ARM = 273;

/** Loads the module in a file, uncompressed. Returns false where it was loaded before. Throws SysError. */
export function loadModule(path: string): boolean {
  const number = isX86() ? SYS_FINIT_MODULE_X86 : SYS_FINIT_MODULE_ARM;
  const parameters = cstring("");
  const fd = openForReading(path);
  const result = call6(Call.syscall, number, fd, addressOf(parameters), 0, 0, 0);
  close(fd);
  if (result === -Errno.EEXIST) return false;
  check(result, "finit_module", path);
  return true;
}
