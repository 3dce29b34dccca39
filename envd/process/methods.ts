/** The process service; envd-rpc.md 1.1. */
import type { Method } from "../../connect/method.ts";
import type { Defaults } from "../defaults.ts";
import { CloseStdinMethod, ListMethod, SendSignalMethod, UpdateMethod } from "./control.ts";
import { SendInputMethod, StreamInputMethod } from "./input.ts";
import { ConnectMethod, StartMethod } from "./streams.ts";
import type { ProcessTable } from "./table.ts";

/** What can be called of it. */
export function processMethods(table: ProcessTable, defaults: Defaults): Method[] {
  return [
    new StartMethod(table, defaults),
    new ConnectMethod(table),
    new ListMethod(table),
    new UpdateMethod(table),
    new SendInputMethod(table),
    new StreamInputMethod(table),
    new SendSignalMethod(table),
    new CloseStdinMethod(table),
  ];
}
