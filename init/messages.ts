/**
 * What supervisor and worker say to each other through their channel, one text a message (sys/channel.ts).
 *
 * | from | text | descriptor | meaning |
 * | --- | --- | --- | --- |
 * | supervisor | `listen ADDRESS` | listener | accept here; at the start of a worker, and whenever one comes up later |
 * | supervisor | `ping` | | are you there? |
 * | worker | `pong` | | yes |
 *
 * A worker that wants a descriptor to outlive it (an output pipe, a PTY, a pidfd) sends it with a name; the supervisor
 * keeps it under that name and sends all of them to the next worker before the first `listen`, which therefore comes to a
 * worker that has them. Both sides already handle a descriptor with any text; texts they do not know are logged.
 */
export const LISTEN = "listen ";
export const PING = "ping";
export const PONG = "pong";
