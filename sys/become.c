/*
 * What a child does before it is another program, as a plan that is put together before there is a child (plan.ts), and
 * starting one. The child shares its parent's memory, and the parent waits until it has become the program or is gone,
 * as vfork(2) has it: no page is copied for it, none is brought in again, and afterwards none of the parent's is to be
 * unshared, which together takes longer than all the calls. What the child cannot touch is its parent's descriptors,
 * directory, signal dispositions and credentials.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bare.h"

double mote_call(double which, double a, double b, double c, double d, double e, double f);

/* plan.ts order. */
enum { ANY, OPENS, EXECUTE = 5, GROUP };
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, SHOWN = 256 };

struct step { double which, a, b, c, d, rule; };
/* Addresses: of the name of the command, of the directories to look for it in, between colons, and of vectors. */
struct plan { double count, name, path, argv, envp, script, status; struct step steps[]; };

/* Tells the parent what has failed. */
static void tell(const struct plan *plan, int rule, int error) {
  int failure[2] = {rule, error};
  if (write((int)plan->status, failure, sizeof failure) < 0) return;
}

/* Carries out the steps. 0, or the rule of the one that must not have failed, and its errno. */
static int carry_out(const struct plan *plan, int *error) {
  double opened = -1;
  for (int i = 0; i < (int)plan->count; i++) {
    const struct step *step = &plan->steps[i];
    int rule = (int)step->rule;
    /* -1 stands for what was opened last. */
    double result = mote_call(step->which, step->a == -1 ? opened : step->a, step->b, step->c, step->d, 0, 0);
    if (rule == OPENS) opened = result;
    else if (rule == GROUP && result < 0) tell(plan, rule, (int)-result);
    else if (rule != ANY && result < 0) {
      *error = (int)-result;
      return rule;
    }
  }
  return 0;
}

double mote_carry_out(double plan) {
  int error;
  return carry_out((const struct plan *)(uintptr_t)plan, &error);
}

static char **words(double address) { return (char **)(uintptr_t)address; }

/* execve(2), through a shell for what the kernel knows no format of. Returns the errno. */
static int execute(const struct plan *plan, const char *file) {
  char **script = words(plan->script);
  execve(file, words(plan->argv), words(plan->envp));
  if (errno != ENOEXEC) return errno;
  script[1] = (char *)(uintptr_t)file;
  execve(script[0], script, words(plan->envp));
  return errno;
}

static int is_missing(int error) { return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG; }

/* execve(2) of what is found first, the way of execvp(3). Returns the errno: of what may not be executed, where there is such. */
static int look_up(const struct plan *plan) {
  const char *name = (const char *)(uintptr_t)plan->name, *from = (const char *)(uintptr_t)plan->path;
  size_t length = strlen(name);
  if (strchr(name, '/') != NULL) return execute(plan, name);
  for (int failure = ENOENT;;) {
    char place[PATH_MAX];
    size_t at = (size_t)(strchrnul(from, ':') - from);
    if (at + length + 2 <= sizeof place) {
      memcpy(place, from, at);
      memcpy(place + at + (at > 0), name, length + 1);
      if (at > 0) place[at] = '/';
      int error = execute(plan, place);
      if (error == EACCES) failure = error;
      else if (!is_missing(error)) return error;
    }
    if (from[at] == 0) return failure;
    from += at + 1;
  }
}

/* Says on the standard error why there is no such program. */
static void complain(const char *name, const char *reason) {
  char text[SHOWN + 32];
  size_t length = strnlen(name, SHOWN), rest = strlen(reason);
  memcpy(text, name, length);
  memcpy(text + length, reason, rest);
  if (write(2, text, length + rest) < 0) return;
}

static int is_out_of_means(int error) {
  return error == E2BIG || error == EAGAIN || error == ENOMEM || error == ENFILE || error == EMFILE;
}

/* The child. It shares the frame of whoever calls it, and so never returns. */
static __attribute__((noinline, noreturn)) void become(const struct plan *plan) {
  int error, rule = carry_out(plan, &error);
  if (rule == 0) {
    const char *name = (const char *)(uintptr_t)plan->name;
    error = look_up(plan);
    if (is_missing(error)) {
      complain(name, ": command not found\n");
      _exit(NOT_FOUND);
    }
    if (!is_out_of_means(error)) {
      complain(name, ": cannot be executed\n");
      _exit(NOT_EXECUTABLE);
    }
    rule = EXECUTE;
  }
  tell(plan, rule, error);
  _exit(NOT_FOUND);
}

/* clone3(2), Linux 5.7. */
struct clone_arguments { uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup; };
#define INTO_CGROUP 0x200000000

/* The pid of a child that carries out a plan, or -errno. Where the kernel is emulated it may still be at it. */
double mote_become(double plan, double group) {
  const uint64_t flags = CLONE_VM | CLONE_VFORK;
  struct clone_arguments arguments = {.flags = flags | INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group};
  long pid = group < 0 ? bare_syscall(SYS_clone, (const void *)(uintptr_t)(flags | SIGCHLD), 0, NULL, NULL)
                       : bare_syscall(SYS_clone3, &arguments, sizeof arguments, NULL, NULL);
  if (pid == 0) become((const struct plan *)(uintptr_t)plan);
  return (double)pid;
}
