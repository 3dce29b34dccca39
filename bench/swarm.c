/*
 * Many servers on one machine, each on a Unix socket of its own.
 *   swarm DIRECTORY COUNT PROGRAM [ARGUMENT...]
 * An `@` in an argument stands for the server's socket. Starts COUNT servers, and prints a line of JSON once each of
 * them has answered a ping. For every line on standard input it pings each in turn and prints another. At the end of
 * standard input, and wherever it fails, it ends the servers.
 */
#include "floor/floor.h"
#include <spawn.h>
#include <time.h>

enum { MOST = 10000, PATIENCE_S = 60 };

extern char **environ;
static pid_t pids[MOST];
static double us[MOST];
static int count;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void end_all(void) {
  for (int i = 0; i < count && pids[i]; i++) kill(pids[i], SIGTERM);
  for (int i = 0; i < count && pids[i]; i++) waitpid(pids[i], 0, 0);
}

static void socket_of(const char *directory, int i, char *path, size_t room) {
  if ((size_t)snprintf(path, room, "%s/%d", directory, i) >= room) errx(2, "%s is too long", directory);
}

/* A connected socket, or -1 where nobody listens. A server that is silent for long has failed. */
static int dial(const char *directory, int i) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = PATIENCE_S};
  socket_of(directory, i, at.sun_path, sizeof at.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) err(1, "socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

/* Sends a ping, reads the reply to its end, and closes the connection. */
static void ping(int fd, int i) {
  char reply[512];
  size_t have = 0;
  ssize_t n;
  if (send_frame(fd, JSON, "{\"op\": \"ping\", \"v\": 1}")) err(1, "server %d: write", i);
  while (have < sizeof reply - 1 && (n = read(fd, reply + have, sizeof reply - 1 - have)) != 0) {
    if (n < 0) err(1, "server %d: no reply", i);
    have += (size_t)n;
  }
  reply[have] = 0;
  if (have < HEADER || !strstr(reply + HEADER, "pong")) errx(1, "server %d: no pong", i);
  close(fd);
}

static void start(int i, const char *directory, char **argv) {
  char path[sizeof((struct sockaddr_un *)0)->sun_path], text[64][256], *words[64];
  int n = 0;
  socket_of(directory, i, path, sizeof path);
  for (; argv[n] && n < 63; n++) {
    char *at = strchr(argv[n], '@');
    words[n] = argv[n];
    if (!at) continue;
    snprintf(text[n], sizeof text[n], "%.*s%s%s", (int)(at - argv[n]), argv[n], path, at + 1);
    words[n] = text[n];
  }
  words[n] = 0;
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&quiet, 0, 1);
  posix_spawn_file_actions_adddup2(&quiet, 0, 2);
  if (posix_spawn(&pids[i], words[0], &quiet, 0, words, environ)) errx(1, "cannot spawn %s", words[0]);
  posix_spawn_file_actions_destroy(&quiet);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 4) errx(2, "usage: swarm DIRECTORY COUNT PROGRAM [ARGUMENT...] (see the head of swarm.c)");
  const char *directory = argv[1];
  count = atoi(argv[2]);
  if (count < 1 || count > MOST) errx(2, "a count from 1 to %d", MOST);
  signal(SIGPIPE, SIG_IGN);
  atexit(end_all);
  double begin = now();
  for (int i = 0; i < count; i++) start(i, directory, argv + 3);
  for (int i = 0; i < count; i++) {
    int fd;
    while ((fd = dial(directory, i)) < 0) {
      if (now() - begin > PATIENCE_S * 1e6) errx(1, "server %d does not listen", i);
      usleep(100);
    }
    ping(fd, i);
  }
  printf("{\"start_ms\":%.1f}\n", (now() - begin) / 1e3);
  fflush(stdout);
  for (char line[16]; fgets(line, sizeof line, stdin);) {
    for (int i = 0; i < count; i++) {
      double from = now();
      int fd = dial(directory, i);
      if (fd < 0) errx(1, "server %d does not listen any more", i);
      ping(fd, i);
      us[i] = now() - from;
    }
    qsort(us, (size_t)count, sizeof *us, ascending);
    printf("{\"median_us\":%.2f,\"p99_us\":%.2f,\"most_us\":%.2f}\n", us[count / 2], us[(int)((double)count * 0.99)],
           us[count - 1]);
    fflush(stdout);
  }
  return 0;
}
