/**
 * Something went wrong that the user can do something about. The message is shown as it is, but for control characters,
 * which a peer may have chosen.
 */
export class Failure extends Error {}
