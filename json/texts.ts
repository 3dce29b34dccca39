/** Texts by name, as an object. */
import { JsonValue } from "./value.ts";

/** An object with a member for each text. */
export function objectOf(texts: Map<string, string>): JsonValue {
  const object = JsonValue.object();
  for (const [name, text] of texts) object.set(name, JsonValue.string(text));
  return object;
}

/** The members that are strings; none of anything but an object. */
export function textsOf(object: JsonValue | undefined): Map<string, string> {
  const texts = new Map<string, string>();
  if (object === undefined) return texts;
  for (const [name, value] of object.entries()) {
    const text = value.asString();
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}
