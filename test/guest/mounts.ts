// What is mounted in a guest: lines of /proc/PID/mountinfo, proc(5).

export interface Mount {
  readonly target: string;
  readonly type: string;
  /** Flags of the mount itself, such as `nosuid`. */
  readonly flags: readonly string[];
  /** Options of the file system, such as `mode=755`. */
  readonly options: readonly string[];
}

export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.trim().split("\n").map((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const fields = before.split(" ");
    const [type = "", , options = ""] = after.split(" ");
    return { target: fields[4] ?? "", type, flags: (fields[5] ?? "").split(","), options: options.split(",") };
  });
}
