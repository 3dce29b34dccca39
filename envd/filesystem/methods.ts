/** The file-system service; envd-rpc.md 1.1. */
import { type Method, MethodKind } from "../../connect/method.ts";
import type { Loop } from "../../sys/loop.ts";
import type { Defaults } from "../defaults.ts";
import { makeDir, move, remove, statPath } from "./files.ts";
import { listDir } from "./list-dir.ts";
import { FilesystemMethod, Workshop } from "./method.ts";
import { watchDir } from "./watch-dir.ts";
import { createWatcher, getWatcherEvents, removeWatcher } from "./watchers.ts";

/** What can be called of it. */
export function filesystemMethods(loop: Loop, defaults: Defaults): Method[] {
  const shop = new Workshop(loop, defaults);
  const unary = MethodKind.UNARY;
  return [
    new FilesystemMethod(shop, "Stat", unary, "PathRequest", "EntryResponse", statPath),
    new FilesystemMethod(shop, "MakeDir", unary, "PathRequest", "EntryResponse", makeDir),
    new FilesystemMethod(shop, "Move", unary, "MoveRequest", "EntryResponse", move),
    new FilesystemMethod(shop, "ListDir", unary, "ListDirRequest", "ListDirResponse", listDir),
    new FilesystemMethod(shop, "Remove", unary, "PathRequest", "Empty", remove),
    new FilesystemMethod(shop, "WatchDir", MethodKind.SERVER_STREAM, "WatchRequest", "WatchDirResponse", watchDir),
    new FilesystemMethod(shop, "CreateWatcher", unary, "WatchRequest", "WatcherId", createWatcher),
    new FilesystemMethod(shop, "GetWatcherEvents", unary, "WatcherId", "EventsResponse", getWatcherEvents),
    new FilesystemMethod(shop, "RemoveWatcher", unary, "WatcherId", "Empty", removeWatcher),
  ];
}
