/** CreateWatcher, GetWatcherEvents and RemoveWatcher; envd-rpc.md 4.7. */
import type { Call } from "../../connect/call.ts";
import type { Message } from "../../connect/message.ts";
import { MessageWriter } from "../../connect/writer.ts";
import { SysError } from "../../sys/errno.ts";
import { markLegacy } from "./legacy.ts";
import type { Workshop } from "./method.ts";
import { PolledWatcher } from "./polled.ts";
import { creationError, WatchRequest } from "./watch-request.ts";

export function createWatcher(call: Call, request: Message, shop: Workshop): void {
  const watched = WatchRequest.of(request, shop.resolve(request.text(1), shop.userOf(call)));
  try {
    new PolledWatcher(call, shop.loop, shop.slices, watched, shop.budget, shop.watchers).begin();
  } catch (error) {
    // Thrown as one or the other, natively, it would be no Error at all.
    if (error instanceof SysError) throw creationError(error);
    throw error;
  }
}

export function getWatcherEvents(call: Call, request: Message, shop: Workshop): void {
  shop.watchers.get(request.text(1)).poll(call);
}

export function removeWatcher(call: Call, request: Message, shop: Workshop): void {
  shop.watchers.remove(request.text(1));
  markLegacy(call);
  call.reply(new MessageWriter());
}
