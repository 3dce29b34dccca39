/*
 * The C door of the native host: TypeScript calls libc through one function and a table. Addresses, sizes and
 * descriptors cross as doubles, exact to 2^53. Every failure comes back as -errno, so errno is never read twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef long word;
typedef word (*function)(word, word, word, word, word, word);

/* Variadic functions, and calls that musl 1.2.3 does not export, get a fixed prototype here. */
static word fixed_fcntl(word fd, word command, word argument) { return fcntl((int)fd, (int)command, argument); }
static word fixed_ioctl(word fd, word request, word argument) { return ioctl((int)fd, (int)request, argument); }
static word fixed_open(word path, word flags, word mode) {
  return open((const char *)path, (int)flags, (mode_t)mode);
}
static word fixed_syscall(word number, word a, word b, word c, word d, word e) {
  return syscall(number, a, b, c, d, e);
}
static word fixed_statx(word dirfd, word path, word flags, word mask, word out) {
  return syscall(SYS_statx, dirfd, path, flags, mask, out);
}

/* I: returns int, whose upper register half means nothing. W: returns a word. */
struct entry { function fn; int is_int; };
#define I(name) { (function)(void *)name, 1 }
#define W(name) { (function)(void *)name, 0 }

static const struct entry table[] = {
  /* calls.ts order */
  I(accept4),
  I(bind),
  I(chdir),
  I(chmod),
  I(clock_gettime),
  I(close),
  I(connect),
  I(dup2),
  I(execve),
  I(_exit),
  I(fchmod),
  W(fixed_fcntl),
  I(fork),
  W(getcwd),
  I(getpid),
  W(getrandom),
  I(getrlimit),
  I(getsockname),
  I(getsockopt),
  W(gmtime_r),
  W(fixed_ioctl),
  I(kill),
  I(listen),
  W(lseek),
  I(madvise),
  W(memcpy),
  W(fixed_open),
  I(pipe2),
  I(poll),
  W(pread),
  W(read),
  W(recv),
  I(rename),
  W(send),
  I(setrlimit),
  I(setsid),
  I(setsockopt),
  I(shutdown),
  I(sigaction),
  W(signal),
  I(signalfd),
  I(sigprocmask),
  I(socket),
  W(fixed_statx),
  W(strlen),
  W(fixed_syscall),
  I(umask),
  I(unlink),
  I(waitid),
  W(write),
};

double mote_call(double which, double a, double b, double c, double d, double e, double f) {
  const struct entry *entry = &table[(size_t)which];
  word result = entry->fn((word)a, (word)b, (word)c, (word)d, (word)e, (word)f);
  if (entry->is_int) result = (int)result;
  return result == -1 ? (double)-errno : (double)result;
}

double mote_address(const uint8_t *bytes, size_t length) {
  (void)length;
  return (double)(uintptr_t)bytes;
}

extern char **environ;

double mote_environ(void) { return (double)(uintptr_t)environ; }

static char **arguments;

/*
 * Stands in for the compiler's scr_lib_init (build.sh renames the call in main), which would take an argument
 * --scriptc-fork= for its own.
 */
void mote_start(int count, char **vector) {
  (void)count;
  arguments = vector;
}

double mote_arguments(void) { return (double)(uintptr_t)arguments; }
