/*
 * The measuring client: one connection per request, as the protocol demands; one line of JSON per measurement.
 *   client ping SOCKET COUNT          client put SOCKET BYTES PATH
 *   client run SOCKET COUNT CMD       client get SOCKET PATH
 *   client start SOCKET COUNT PROGRAM [ARGUMENT...]
 *   client streams SOCKET COUNT PINGS: pings meanwhile COUNT endless `yes` are read slowly
 * A latency runs from before socket() to the last byte of the reply, a throughput likewise, a start from before
 * posix_spawn() to the last byte of the first pong.
 */
#include "floor/floor.h"
#include <sched.h>
#include <spawn.h>
#include <sys/uio.h>
#include <time.h>

extern char **environ;
static struct sockaddr_un at = {.sun_family = AF_UNIX};
static unsigned char input[1 << 18];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A connected socket, or -1 where nobody listens yet. A server that is silent for 30 s has failed. */
static int dial(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) err(1, "socket");
  struct timeval patience = {.tv_sec = 30};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

static void send_request(int fd, const char *json) {
  if (send_frame(fd, JSON, json)) err(1, "send");
}

/* Reads frames up to and including the first of the type `last`; returns the DATA bytes seen. `reply`, where given,
 * gets the last JSON payload. Payloads are not copied anywhere: what is measured is the server. */
static long long read_until(int fd, int last, char *reply, size_t room) {
  size_t have = 0, at_byte = 0;
  long long data = 0;
  for (;;) {
    while (have - at_byte >= HEADER) {
      unsigned char *frame = input + at_byte;
      size_t whole = HEADER + (size_t)header_length(frame);
      if (whole > sizeof input) errx(1, "a frame of %zu bytes", whole);
      if (have - at_byte < whole) break;
      if (frame[0] == JSON && reply) snprintf(reply, room, "%.*s", (int)(whole - HEADER), (char *)frame + HEADER);
      if (frame[0] == DATA) data += (long long)(whole - HEADER);
      at_byte += whole;
      if (frame[0] == last) return data;
    }
    if (at_byte > sizeof input / 2) {
      memmove(input, input + at_byte, have - at_byte);
      have -= at_byte;
      at_byte = 0;
    }
    ssize_t n = read(fd, input + have, sizeof input - have);
    if (n < 0) err(1, "no whole reply");
    if (n == 0) errx(1, "the server closed before its reply was whole");
    have += (size_t)n;
  }
}

static int has_word(const char *reply, const char *word) { return strstr(reply, word) != 0; }

static void exchange(int fd, const char *request, const char *expected) {
  char reply[512] = "";
  send_request(fd, request);
  read_until(fd, JSON, reply, sizeof reply);
  if (!has_word(reply, expected)) errx(1, "unexpected reply: %s", reply);
  close(fd);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_latencies(double *us, int count) {
  qsort(us, (size_t)count, sizeof *us, ascending);
  printf("{\"count\":%d,\"min_us\":%.2f,\"median_us\":%.2f,\"p99_us\":%.2f}\n", count, us[0], us[count / 2],
         us[(int)((double)count * 0.99)]);
}

static void latencies(int count, const char *request, const char *expected) {
  double *us = calloc((size_t)count, sizeof *us);
  for (int i = 0; i < count; i++) {
    double begin = now();
    int fd = dial();
    if (fd < 0) err(1, "connect");
    exchange(fd, request, expected);
    us[i] = now() - begin;
  }
  print_latencies(us, count);
}

static void print_throughput(long long bytes, double us) {
  printf("{\"bytes\":%lld,\"seconds\":%.6f,\"mb_s\":%.1f}\n", bytes, us / 1e6, (double)bytes / us);
}

static void put(long long bytes, const char *path) {
  static char payload[CHUNK];
  char request[4300], reply[512] = "";
  for (int i = 0; i < CHUNK; i++) payload[i] = (char)(i * 31);
  snprintf(request, sizeof request, "{\"op\": \"put_file\", \"v\": 1, \"path\": \"%s\", \"size\": %lld}", path, bytes);
  unlink(path);
  double begin = now();
  int fd = dial();
  if (fd < 0) err(1, "connect");
  send_request(fd, request);
  for (long long left = bytes; left > 0;) {
    unsigned char header[HEADER];
    size_t n = left < CHUNK ? (size_t)left : CHUNK;
    put_header(header, DATA, (uint32_t)n);
    struct iovec parts[2] = {{header, HEADER}, {payload, n}};
    ssize_t sent = writev(fd, parts, 2);
    if (sent < HEADER) err(1, "writev");
    if (write_all(fd, payload + sent - HEADER, HEADER + n - (size_t)sent)) err(1, "write");
    left -= (long long)n;
  }
  if (send_frame(fd, END, "")) err(1, "write");
  read_until(fd, JSON, reply, sizeof reply);
  double took = now() - begin;
  close(fd);
  struct stat is;
  if (!has_word(reply, "true") || stat(path, &is) || is.st_size != bytes) errx(1, "upload failed: %s", reply);
  print_throughput(bytes, took);
}

static void get(const char *path) {
  char request[4300];
  struct stat is;
  if (stat(path, &is)) err(1, "%s", path);
  snprintf(request, sizeof request, "{\"op\": \"get_file\", \"v\": 1, \"path\": \"%s\"}", path);
  double begin = now();
  int fd = dial();
  if (fd < 0) err(1, "connect");
  send_request(fd, request);
  long long bytes = read_until(fd, END, 0, 0);
  double took = now() - begin;
  close(fd);
  if (bytes != is.st_size) errx(1, "download of %lld bytes, expected %lld", bytes, (long long)is.st_size);
  print_throughput(bytes, took);
}

/* Spawns the program, connects again and again until it listens, pings it; then ends it and starts over. */
static void starts(int count, char **argv) {
  double *us = calloc((size_t)count, sizeof *us);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&quiet, 1, 2);
  for (int i = 0; i < count; i++) {
    pid_t pid;
    int fd;
    unlink(at.sun_path);
    double begin = now();
    if (posix_spawn(&pid, argv[0], &quiet, 0, argv, environ)) errx(1, "cannot spawn %s", argv[0]);
    while ((fd = dial()) < 0) {
      if (now() - begin > 1e7) errx(1, "%s does not listen", argv[0]);
      sched_yield(); /* on one CPU the program needs it too */
    }
    exchange(fd, "{\"op\": \"ping\", \"v\": 1}", "pong");
    us[i] = now() - begin;
    kill(pid, SIGTERM);
    waitpid(pid, 0, 0);
  }
  print_latencies(us, count);
}

/* A ping that is not answered within a second counts as a second. */
static void streams(int count, int pings) {
  int *fds = calloc((size_t)count, sizeof *fds);
  double *us = calloc((size_t)pings, sizeof *us);
  for (int i = 0; i < count; i++) {
    if ((fds[i] = dial()) < 0) err(1, "connect");
    send_request(fds[i], "{\"op\": \"run\", \"v\": 1, \"cmd\": \"yes\", \"shell\": \"raw\"}");
  }
  sleep(1);
  for (int i = 0; i < pings; i++) {
    struct timeval second = {.tv_sec = 1};
    for (int k = 0; k < count; k++) recv(fds[k], input, 4096, MSG_DONTWAIT);
    double begin = now();
    int fd = dial();
    if (fd < 0) err(1, "connect");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    send_request(fd, "{\"op\": \"ping\", \"v\": 1}");
    recv(fd, input, sizeof input, 0);
    us[i] = now() - begin;
    close(fd);
    usleep(10000);
  }
  print_latencies(us, pings);
}

int main(int argc, char **argv) {
  const char *mode = argc > 3 ? argv[1] : "";
  char request[512];
  if (argc > 2) snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[2]);
  signal(SIGPIPE, SIG_IGN);
  if (!strcmp(mode, "ping") && argc == 4) {
    latencies(atoi(argv[3]), "{\"op\": \"ping\", \"v\": 1}", "pong");
  } else if (!strcmp(mode, "run") && argc == 5) {
    snprintf(request, sizeof request, "{\"op\": \"run\", \"v\": 1, \"cmd\": \"%s\", \"shell\": \"raw\"}", argv[4]);
    latencies(atoi(argv[3]), request, "exit_code");
  } else if (!strcmp(mode, "put") && argc == 5) {
    put(atoll(argv[3]), argv[4]);
  } else if (!strcmp(mode, "get") && argc == 4) {
    get(argv[3]);
  } else if (!strcmp(mode, "start") && argc >= 5) {
    starts(atoi(argv[3]), argv + 4);
  } else if (!strcmp(mode, "streams") && argc == 5) {
    streams(atoi(argv[3]), atoi(argv[4]));
  } else {
    errx(2, "usage: client ping|run|put|get|start|streams SOCKET ... (see the head of client.c)");
  }
  return 0;
}
