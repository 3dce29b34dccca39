/** The process's own arguments and environment, environ(7). They never change, so they are read where they lie. */
import { addressOf, argumentsAddress, call, environAddress } from "#libc";
import { CStringVector, plainString, stringAt, vectorAt } from "./bytes.ts";
import { Call } from "./calls.ts";

/** The program's name, as it was called, and its arguments. */
export function programArguments(): string[] {
  const words: string[] = [];
  for (const address of vectorAt(argumentsAddress())) words.push(stringAt(address));
  return words;
}

/** The name before the equals sign; the whole of an entry without one. */
function nameOf(entry: string): string {
  const equals = entry.indexOf("=");
  return equals < 0 ? entry : entry.slice(0, equals);
}

/** The value of a variable, or undefined where it is not set; getenv(3). */
export function getenv(name: string): string | undefined {
  const bytes = plainString(name);
  const address = call(Call.getenv, addressOf(bytes), 0, 0);
  return address === 0 ? undefined : stringAt(address);
}

/** The process's environment with variables laid over it. Entries that stay keep their very bytes. */
export function overlay(names: string[], values: string[]): CStringVector {
  const vector = new CStringVector();
  for (const address of vectorAt(environAddress())) {
    if (!names.includes(nameOf(stringAt(address)))) vector.addAddress(address);
  }
  for (let i = 0; i < names.length; i++) vector.add(`${names.at(i) ?? ""}=${values.at(i) ?? ""}`);
  return vector;
}
