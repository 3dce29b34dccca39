/** The process's own arguments and environment, environ(7). They never change, so they are read where they lie. */
import { argumentsAddress, environAddress } from "#libc";
import { CStringVector, stringAt, vectorAt } from "./bytes.ts";

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

/** The value of a variable, or undefined where it is not set. */
export function getenv(name: string): string | undefined {
  for (const address of vectorAt(environAddress())) {
    const entry = stringAt(address);
    if (entry.startsWith(`${name}=`)) return entry.slice(name.length + 1);
  }
  return undefined;
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
