/** What the host publishes beside `/init`, through Firecracker's metadata service; envd-http.md 2.7. */
export class Metadata {
  /** Asks for the hash of the access token that the host means to set: empty where none is published. Calls back once. */
  accessTokenHash(onHash: (hash: string) => void): void {
    onHash("");
  }

  /** The host may publish something else from now on. */
  refresh(): void {}
}
