/** Rules of the guest's own that lead the metadata service's address elsewhere; lifecycle.md 4.2, iptables(8). */
import type { Address } from "../../sys/address.ts";
import type { ExitWatcher } from "../../sys/exit.ts";
import { findProgram } from "../../sys/file.ts";
import type { Loop } from "../../sys/loop.ts";
import { Program } from "../program.ts";

const LIMIT_MS = 2000;
/** For $0, a rule, that it is the first one. */
const SCRIPT =
  "for chain in PREROUTING OUTPUT; do iptables -w -t nat -D $chain $0; iptables -w -t nat -I $chain 1 $0; done 2>/dev/null";

/** Has the address left as it is before any rule can change it, where there is iptables. `onEnd` is called after that. */
export function returnEarly(loop: Loop, exits: ExitWatcher, address: Address, onEnd: () => void): void {
  if (findProgram("iptables") === "") return onEnd();
  const rule = `-d ${address.name}/32 -p tcp --dport ${address.port} -j RETURN`;
  new Program(loop, exits, ["sh", "-c", SCRIPT, rule], onEnd).start(LIMIT_MS);
}
