/** How a process ended, in numbers and in words; envd-rpc.md 3.9. */
import { MessageWriter } from "../../connect/writer.ts";
import { CORE_DUMPED } from "../../sys/process.ts";

/** The names of signals from 1 on; those without one are numbers. */
const NAMES =
  "hangup;interrupt;quit;illegal instruction;trace/breakpoint trap;aborted;bus error;floating point exception;killed;" +
  "user defined signal 1;segmentation fault;user defined signal 2;broken pipe;alarm clock;terminated;stack fault;;;;;;;;" +
  "CPU time limit exceeded;file size limit exceeded;virtual timer expired;profiling timer expired;;I/O possible;" +
  "power failure;bad system call";

/** The status of a process whose end nobody could tell. */
export const UNKNOWN_STATUS = 0x1000;

/** What `takeStatus` tells, in words. */
export function statusText(status: number): string {
  if (status === UNKNOWN_STATUS) return "error";
  if (status >= 0) return `exit status ${status}`;
  const isDumped = status < -CORE_DUMPED;
  const signal = isDumped ? -status - CORE_DUMPED : -status;
  const name = NAMES.split(";").at(signal - 1) ?? "";
  return `signal: ${name === "" ? `signal ${signal}` : name}${isDumped ? " (core dumped)" : ""}`;
}

/** A response with the end of a process, whose status is one of `takeStatus` or UNKNOWN_STATUS. */
export function endResponse(status: number): MessageWriter {
  const hasExited = status >= 0 && status !== UNKNOWN_STATUS;
  const text = statusText(status);
  const writer = new MessageWriter();
  const response = writer.open(1);
  const event = writer.open(3);
  writer.sint32(1, hasExited ? status : -1);
  writer.bool(2, hasExited);
  writer.text(3, text);
  if (status === UNKNOWN_STATUS) writer.text(4, "the exit status is not known");
  else if (status !== 0) writer.text(4, text);
  writer.close(event);
  writer.close(response);
  return writer;
}
