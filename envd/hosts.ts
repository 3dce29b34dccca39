/** Entries of hosts(5) that lead a name to one address, other lines staying as they are; envd-http.md 5.4. */
import { fileBytes, fileText } from "../sys/bytes.ts";
import { hostsWords } from "../sys/hosts-line.ts";

/**
 * A hosts file in which each of the names is at the address, and at no other of the address's family. Undefined where it
 * is so already.
 */
export function withNames(content: Uint8Array, address: string, names: string[]): Uint8Array | undefined {
  let lines = fileText(content, 0, content.length).split("\n");
  let isChanged = false;
  for (const name of names) {
    const changed = withName(lines, address, name);
    if (changed === undefined) continue;
    lines = changed;
    isChanged = true;
  }
  return isChanged ? fileBytes(lines.join("\n")) : undefined;
}

function withName(lines: string[], address: string, name: string): string[] | undefined {
  const changed: string[] = [];
  let isThere = false;
  let isElsewhere = false;
  for (const line of lines) {
    const words = hostsWords(line);
    const isSameFamily = (words.at(0) ?? "").includes(":") === address.includes(":");
    if (!isSameFamily || !words.slice(1).includes(name)) changed.push(line);
    else if (words.at(0) === address) {
      isThere = true;
      changed.push(line);
    } else {
      isElsewhere = true;
      const rest = withoutName(line, words, name);
      if (rest !== "") changed.push(rest);
    }
  }
  if (isThere) return isElsewhere ? changed : undefined;
  // The last line has its end, then the new one has.
  if (changed.at(-1) === "") changed.pop();
  changed.push(`${address}\t${name}`, "");
  return changed;
}

/** The rest of an entry, with its comment; empty where nothing is left. */
function withoutName(line: string, words: string[], name: string): string {
  const comment = line.indexOf("#");
  const parts = words.filter((word) => word !== name);
  if (parts.length === 1) parts.pop();
  if (comment >= 0) parts.push(line.slice(comment));
  return parts.join("\t");
}
