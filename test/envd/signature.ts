// URL signatures as a client makes them; envd-http.md 3.3. Written from the specification.

import { createHash } from "node:crypto";

export const TOKEN = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";

/** The signature of a request for a file; `expiration` in Unix seconds. */
export function sign(path: string, operation: string, user: string, expiration?: number, token = TOKEN): string {
  const fields = [path, operation, user, token, ...(expiration === undefined ? [] : [`${expiration}`])];
  return `v1_${createHash("sha256").update(fields.join(":")).digest("base64").replaceAll("=", "")}`;
}
