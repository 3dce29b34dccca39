/** Reads a body whose content coding somebody in front of it takes off. */
import { BodyReader } from "./roles.ts";

export abstract class DecodedReader extends BodyReader {
  /** The body is not in the coding that it is said to be in: nothing of it has been passed on, and nothing will be. */
  abstract onNotCoded(reason: string): void;

  /** The body is damaged: nothing more is passed on. */
  abstract onDamaged(reason: string): void;
}
