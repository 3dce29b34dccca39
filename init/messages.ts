/**
 * What supervisor and worker say to each other through their channel, one text a message (sys/channel.ts).
 *
 * | from | text | descriptors | meaning |
 * | --- | --- | --- | --- |
 * | supervisor | `listen ADDRESS` | listener | accept here; at the start of a worker, and whenever one comes up later |
 * | supervisor | `ping` | | are you there? |
 * | worker | `pong` | | yes |
 * | worker | `keep KEY PID WORDS` | what is kept | keep these, and the words, for the next worker; in place of what has this key |
 * | worker | `drop KEY` | | they are no longer wanted |
 * | supervisor | `kept KEY PID WORDS` | what was kept | at the start of a worker, before the first `listen` |
 * | supervisor | `exited PID STATUS` | | a process with this number, which a worker before had started, has ended |
 * | supervisor | `again` | | say once more what is to be kept: it has been lost |
 *
 * Texts that a side does not know are logged.
 */
export const LISTEN = "listen ";
export const PING = "ping";
export const PONG = "pong";
export const KEEP = "keep ";
export const DROP = "drop ";
export const KEPT = "kept ";
export const EXITED = "exited ";
export const AGAIN = "again";
