/** How long a call may take; envd-rpc.md 2.8, 2.13. */
import { consistsOf, DIGITS } from "../sys/bytes.ts";
import { invalid } from "./error.ts";

/** Milliseconds of Connect-Timeout-Ms. Throws RpcError. */
export function connectTimeout(text: string): number {
  if (!consistsOf(text, DIGITS, 10)) throw invalid(`protocol error: invalid timeout ${text}`);
  return Number(text);
}

const UNITS = "numSMH";
const MILLISECONDS = [1e-6, 1e-3, 1, 1000, 60_000, 3_600_000];

/** Milliseconds, with a fraction, of Grpc-Timeout. Throws RpcError. */
export function grpcTimeout(text: string): number {
  const digits = text.slice(0, -1);
  const unit = UNITS.indexOf(text.slice(-1));
  if (unit < 0 || !consistsOf(digits, DIGITS, 8)) throw invalid(`protocol error: invalid grpc timeout value ${text}`);
  return Number(digits) * (MILLISECONDS[unit] ?? 1);
}
