/** System call errors: numbers, texts, and the error that carries them. */

/** The errno values that the agent decides by; errno(3), the same on x86_64 and aarch64. */
export const enum Errno {
  EPERM = 1,
  ENOENT = 2,
  ESRCH = 3,
  EINTR = 4,
  EIO = 5,
  ENXIO = 6,
  E2BIG = 7,
  ENOEXEC = 8,
  EAGAIN = 11,
  ENOMEM = 12,
  EACCES = 13,
  EBUSY = 16,
  EEXIST = 17,
  EXDEV = 18,
  ENODEV = 19,
  ENOTDIR = 20,
  EISDIR = 21,
  EINVAL = 22,
  ENFILE = 23,
  EMFILE = 24,
  EFBIG = 27,
  ENOSPC = 28,
  ESPIPE = 29,
  EPIPE = 32,
  ERANGE = 34,
  ENAMETOOLONG = 36,
  ENOSYS = 38,
  ENOTEMPTY = 39,
  ELOOP = 40,
  ENODATA = 61,
  EPROTONOSUPPORT = 93,
  EOPNOTSUPP = 95,
  EAFNOSUPPORT = 97,
  EADDRINUSE = 98,
  EADDRNOTAVAIL = 99,
  ENETUNREACH = 101,
  ECONNABORTED = 103,
  ECONNRESET = 104,
  ENOTCONN = 107,
  ECONNREFUSED = 111,
  EINPROGRESS = 115,
  ESTALE = 116,
  EDQUOT = 122,
}

/**
 * A line for each errno from 1 on, in the wording of glibc's strerror(3). Hosts compare messages that CPython printed on
 * glibc; musl words some of them differently. One literal: a concatenation would be put together in memory at start.
 */
const TEXTS = `Operation not permitted
No such file or directory
No such process
Interrupted system call
Input/output error
No such device or address
Argument list too long
Exec format error
Bad file descriptor
No child processes
Resource temporarily unavailable
Cannot allocate memory
Permission denied
Bad address
Block device required
Device or resource busy
File exists
Invalid cross-device link
No such device
Not a directory
Is a directory
Invalid argument
Too many open files in system
Too many open files
Inappropriate ioctl for device
Text file busy
File too large
No space left on device
Illegal seek
Read-only file system
Too many links
Broken pipe
Numerical argument out of domain
Numerical result out of range
Resource deadlock avoided
File name too long
No locks available
Function not implemented
Directory not empty
Too many levels of symbolic links

No message of desired type
Identifier removed
Channel number out of range
Level 2 not synchronized
Level 3 halted
Level 3 reset
Link number out of range
Protocol driver not attached
No CSI structure available
Level 2 halted
Invalid exchange
Invalid request descriptor
Exchange full
No anode
Invalid request code
Invalid slot

Bad font file format
Device not a stream
No data available
Timer expired
Out of streams resources
Machine is not on the network
Package not installed
Object is remote
Link has been severed
Advertise error
Srmount error
Communication error on send
Protocol error
Multihop attempted
RFS specific error
Bad message
Value too large for defined data type
Name not unique on network
File descriptor in bad state
Remote address changed
Can not access a needed shared library
Accessing a corrupted shared library
.lib section in a.out corrupted
Attempting to link in too many shared libraries
Cannot exec a shared library directly
Invalid or incomplete multibyte or wide character
Interrupted system call should be restarted
Streams pipe error
Too many users
Socket operation on non-socket
Destination address required
Message too long
Protocol wrong type for socket
Protocol not available
Protocol not supported
Socket type not supported
Operation not supported
Protocol family not supported
Address family not supported by protocol
Address already in use
Cannot assign requested address
Network is down
Network is unreachable
Network dropped connection on reset
Software caused connection abort
Connection reset by peer
No buffer space available
Transport endpoint is already connected
Transport endpoint is not connected
Cannot send after transport endpoint shutdown
Too many references: cannot splice
Connection timed out
Connection refused
Host is down
No route to host
Operation already in progress
Operation now in progress
Stale file handle
Structure needs cleaning
Not a XENIX named type file
No XENIX semaphores available
Is a named type file
Remote I/O error
Disk quota exceeded
No medium found
Wrong medium type
Operation canceled
Required key not available
Key has expired
Key has been revoked
Key was rejected by service
Owner died
State not recoverable
Operation not possible due to RF-kill
Memory page has hardware error
`;

/** Whether a call has failed because the disk is full, or the user's share of it. */
export function isOutOfSpace(errno: number): boolean {
  return errno === Errno.ENOSPC || errno === Errno.EDQUOT;
}

/** The text of an errno, as glibc prints it. */
export function errnoText(errno: number): string {
  // Line by line: taking all of them apart would make as many strings.
  let start = 0;
  for (let line = 1; line < errno && start >= 0; line++) {
    const end = TEXTS.indexOf("\n", start);
    start = end < 0 ? -1 : end + 1;
  }
  const end = start < 0 ? -1 : TEXTS.indexOf("\n", start);
  const text = errno > 0 && end >= 0 ? TEXTS.slice(start, end) : "";
  return text === "" ? `Unknown error ${errno}` : text;
}

/** A failed system call: which one, on what, and why. */
export class SysError extends Error {
  readonly call: string;
  readonly errno: number;
  /** The path or address that the call was about; empty where there is none. */
  readonly path: string;
  /** The second path of a call that takes two, such as rename(2); empty otherwise. */
  readonly target: string;

  constructor(call: string, errno: number, path: string, target = "") {
    super(call);
    this.name = "SysError";
    this.call = call;
    this.errno = errno;
    this.path = path;
    this.target = target;
  }

  /** The whole of it in words. Put together when asked for: most failures are answered in words of their own. */
  describe(): string {
    return `${this.call}${this.path === "" ? "" : ` ${this.path}`}: ${errnoText(this.errno)}`;
  }
}

/** Returns the result of a call, or throws the SysError that a negative one stands for. */
export function check(result: number, call: string, path: string): number {
  if (result < 0) throw new SysError(call, -result, path);
  return result;
}
