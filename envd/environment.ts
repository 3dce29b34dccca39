/** The variables that what is started gets; envd-http.md 2.7 and 5.4. */

export class Environment {
  /** Set by the daemon itself: users can neither replace nor remove them. */
  readonly internal = new Map<string, string>();
  /** Set by users; those of the daemon's names are passed over. */
  user = new Map<string, string>();

  /** Sets a variable of the daemon's own, over one of the users'. */
  setInternal(name: string, value: string): void {
    this.internal.set(name, value);
  }

  /** All variables: the users', with the daemon's over them. A map of the caller's own. */
  all(): Map<string, string> {
    const variables = new Map<string, string>();
    for (const [name, value] of this.user) variables.set(name, value);
    for (const [name, value] of this.internal) variables.set(name, value);
    return variables;
  }
}
