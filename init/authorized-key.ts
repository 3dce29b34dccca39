/** The host's ssh key, `smolvm.authorized_key_b64=`, where sshd looks for it; sshd(8), AUTHORIZED_KEYS FILE FORMAT. */
import { decodeBase64 } from "../sys/base64.ts";
import { decodeText, encodeText, printable } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { changeMode, makeDirectory } from "../sys/node.ts";
import { replaceWhole } from "../sys/whole-file.ts";

const DIRECTORY_MODE = 0o700;
const MODE = 0o600;

/** The one line that the base64 text is of, without its end; undefined where it is not that of a public key. */
function keyLine(base64: string): string | undefined {
  const bytes = decodeBase64(base64);
  if (bytes === undefined) return undefined;
  const line = decodeText(bytes, 0, bytes.length).trim();
  const isText = printable(line) === line && !line.includes("\ufffd");
  // A type and a key at least. Which types there are is sshd's to know.
  return isText && line.includes(" ") ? line : undefined;
}

/**
 * Makes `HOME/.ssh/authorized_keys` of that line, in one step, readable by its owner alone as sshd demands. A text that
 * is no key writes nothing; that and a failure are a line in the log, which never tells the text.
 */
export function authorizeKey(home: string, base64: string): void {
  const line = keyLine(base64);
  if (line === undefined) {
    log(Level.WARN, "smolvm.authorized_key_b64: not base64 of a public key line");
    return;
  }
  const directory = `${home}/.ssh`;
  try {
    makeDirectory(home, DIRECTORY_MODE);
    makeDirectory(directory, DIRECTORY_MODE);
    changeMode(directory, DIRECTORY_MODE);
    replaceWhole(`${directory}/authorized_keys`, encodeText(`${line}\n`), MODE);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, `no ssh key authorized: ${error.describe()}`);
  }
}
