/** The TCP sockets of this network namespace that listen, wherever that is told. */

/** What a socket that listens is reached by. */
export const enum Loopback {
  /** Something else, or more. */
  NONE = 0,
  /** 127.0.0.1 alone; ::ffff:127.0.0.1 is the same. */
  V4 = 1,
  /** ::1 alone. */
  V6 = 2,
}

/** Goes through them one by one, again and again, and allocates nothing for it. */
export abstract class ListeningSockets {
  /** Of the socket that was come to last. */
  loopback = Loopback.NONE;
  port = 0;
  inode = 0;

  /** Begins anew. Returns false where nothing is told. Throws SysError. */
  abstract begin(): boolean;

  /** Goes on to the next socket. Returns false behind the last one. Throws SysError. */
  abstract next(): boolean;
}
