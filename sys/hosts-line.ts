/** A line of hosts(5). */

/** The address of a line and its names; none for an empty line or a comment. */
export function hostsWords(line: string): string[] {
  const text = line.split("#").at(0) ?? "";
  return text.trim().split("\t").join(" ").split(" ").filter((word) => word !== "");
}
