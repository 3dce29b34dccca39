/*
 * The C door of the native host: TypeScript calls libc through one function and a table. Addresses, sizes and
 * descriptors cross as doubles, exact to 2^53. Every failure comes back as -errno, so errno is never read twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include "bare.h"

typedef long word;
typedef word (*function)(word, word, word, word, word, word);

/* Variadic functions, and calls that musl 1.2.3 does not export, get a fixed prototype here. */
static word fixed_fcntl(word fd, word command, word argument) { return fcntl((int)fd, (int)command, argument); }
static word fixed_ioctl(word fd, word request, word argument) { return ioctl((int)fd, (int)request, argument); }
/* Not libc's open(3), which sets close-on-exec once more for kernels older than Linux 2.6.23. */
static word fixed_open(word path, word flags, word mode) { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); }
static word fixed_openat(word dirfd, word path, word flags, word mode) {
  return openat((int)dirfd, (const char *)path, (int)flags, (mode_t)mode);
}
static word fixed_prctl(word option, word a, word b, word c, word d) { return prctl((int)option, a, b, c, d); }
static word fixed_sync(void) {
  sync();
  return 0;
}
static word fixed_execveat(word dirfd, word path, word argv, word envp, word flags) {
  return syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}
static word fixed_getdents64(word fd, word buffer, word length) { return syscall(SYS_getdents64, fd, buffer, length); }
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
  I(adjtimex),
  I(bind),
  I(chdir),
  I(chmod),
  I(chown),
  I(clock_gettime),
  I(clock_settime),
  I(close),
  I(connect),
  W(copy_file_range),
  I(dup2),
  I(execve),
  I(fixed_execveat),
  I(_exit),
  I(fchmod),
  I(fchown),
  I(fchownat),
  W(fixed_fcntl),
  I(fork),
  I(ftruncate),
  W(getcwd),
  W(fixed_getdents64),
  W(getenv),
  I(getpeername),
  I(getpid),
  I(getppid),
  I(getpriority),
  W(getrandom),
  I(getsockopt),
  W(getxattr),
  W(gmtime_r),
  I(inotify_add_watch),
  I(inotify_init1),
  I(inotify_rm_watch),
  W(fixed_ioctl),
  I(kill),
  I(lchown),
  I(listen),
  W(listxattr),
  I(madvise),
  W(memchr),
  W(memcpy),
  I(memfd_create),
  W(memmem),
  I(mkdir),
  I(mkdirat),
  I(mknod),
  I(mount),
  W(fixed_open),
  W(fixed_openat),
  I(pipe2),
  I(poll),
  I(fixed_prctl),
  W(pread),
  I(prlimit),
  W(pwrite),
  W(read),
  W(readlink),
  W(readlinkat),
  I(reboot),
  W(recv),
  W(recvmsg),
  I(removexattr),
  I(rename),
  I(rmdir),
  W(send),
  W(sendfile),
  W(sendmsg),
  I(sethostname),
  I(setpriority),
  I(setsid),
  I(setsockopt),
  I(setxattr),
  I(shutdown),
  I(sigaction),
  W(signal),
  I(signalfd),
  I(sigprocmask),
  I(socket),
  I(socketpair),
  W(splice),
  I(statfs),
  W(fixed_statx),
  W(strlen),
  I(swapoff),
  I(symlink),
  W(fixed_sync),
  W(fixed_syscall),
  W(timegm),
  I(umask),
  I(umount2),
  I(uname),
  I(unlink),
  I(unlinkat),
  I(utimensat),
  I(waitid),
  W(wmemchr),
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

/* layout.ld says why. */
#define LARGE __attribute__((section(".bss.large")))

#ifndef MOTE_COMMIT
#define MOTE_COMMIT "unknown"
#endif

/* The commit that this was built from. */
double mote_commit(void) { return (double)(uintptr_t)MOTE_COMMIT; }

static char **arguments;

/*
 * Stands in for the compiler's scr_init (build.sh renames the call in main), which would give the standard output a buffer
 * and, at the end of the program, flush it and collect the cycles that it has left: nothing is written by way of stdio.
 */
void mote_begin(void) {}

/*
 * Stands in for the compiler's scr_lib_init (build.sh renames the call in main), which would take an argument
 * --scriptc-fork= for its own.
 */
void mote_start(int count, char **vector) {
  (void)count;
  arguments = vector;
}

double mote_arguments(void) { return (double)(uintptr_t)arguments; }

/*
 * A process that must not end: as PID 1 it would take the kernel with it. Whatever would end it starts it over in place
 * instead, with the same pid, the same children and every descriptor; lifecycle.md 1.10.
 */
static char **guard_arguments;
static _Alignas(16) LARGE char guard_stack[8192];

static void start_over(int signal) {
  /* A child that has not executed anything yet may die like any other process. */
  if (getpid() != 1) _exit(128 + signal);
  for (int fd = 3; fd < 1024; fd++) fcntl(fd, F_SETFD, 0);
  execve("/proc/self/exe", guard_arguments, environ);
  execve(guard_arguments[0], guard_arguments, environ);
  for (;;) pause();
}

static void start_over_at_exit(void) { start_over(0); }

double mote_guard(double vector) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  stack_t stack = {.ss_sp = guard_stack, .ss_size = sizeof guard_stack};
  struct sigaction action = {.sa_handler = start_over, .sa_flags = SA_ONSTACK};
  guard_arguments = (char **)(uintptr_t)vector;
  sigaltstack(&stack, NULL);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
  return atexit(start_over_at_exit);
}

#ifdef SCR_MUSL
void cache_flush(void);
#else
static void cache_flush(void) {}
#endif

void cycle_flush(void);

/* Makes the page of a function a mapping of its own: what brings a page in brings its neighbours in up to the mapping's end. */
static void isolate(uintptr_t function, unsigned long page) {
  static int is_isolated;
  if (is_isolated) return;
  is_isolated = 1;
  /* Advice that says nothing about code, but is kept per mapping. */
  madvise((void *)(function & -page), page, MADV_RANDOM);
}

/*
 * Gives back the clean pages of code and constants, then waits. It is far shorter than its alignment, so that it lies within
 * one page, the only one that stays; by itself, because what calls it takes in whatever is called once.
 */
__attribute__((noinline, noclone, aligned(256))) static long wait_shrunk(uintptr_t start, unsigned long length, const void *fds,
    unsigned long count, const void *limit) {
  bare_syscall(SYS_madvise, (void *)start, length, (void *)MADV_DONTNEED, NULL);
  return bare_syscall(SYS_ppoll, fds, count, limit, NULL);
}

/*
 * poll(2) for one who expects to wait long. The clean pages of code and constants are given back first, so that what
 * only starting up or a burst has used does not stay resident; they return from the page cache as they are used.
 */
double mote_poll_shrunk(double fds, double count, double timeout) {
  struct timespec limit = {0};
  if (timeout > 0) {
    limit.tv_sec = (time_t)(timeout / 1000);
    limit.tv_nsec = (long)(timeout - (double)limit.tv_sec * 1000) * 1000000;
  }
  cycle_flush();
  cache_flush();
  const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
  unsigned long headers = getauxval(AT_PHNUM), page = getauxval(AT_PAGESZ);
  isolate((uintptr_t)wait_shrunk, page);
  uintptr_t start = 0;
  unsigned long length = 0;
  for (unsigned long i = 0; header != NULL && i < headers; i++) {
    if (header[i].p_type != PT_LOAD || (header[i].p_flags & PF_W)) continue;
    start = header[i].p_vaddr & -page;
    length = header[i].p_vaddr + header[i].p_memsz - start;
  }
  return (double)wait_shrunk(start, length, (void *)(uintptr_t)fds, (unsigned long)count, timeout < 0 ? NULL : &limit);
}
