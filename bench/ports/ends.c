/*
 * Both ends of a relay, and others that listen or are connected.
 *   ends serve PORT [FIRST_PORT COUNT]   at 127.0.0.1, what the clients below ask for; more ports that only listen
 *   ends keep PORT                       at 127.0.0.1, an answer to each client's byte, and the connection kept
 *   ends down ADDRESS PORT BYTES         receives so many
 *   ends up ADDRESS PORT BYTES           sends so many, and waits until they have come
 *   ends hold ADDRESS PORT COUNT         so many connections to `keep`, until the end of input
 *   ends pair COUNT                      so many connections from itself to itself at 127.0.0.2, until the end of input
 *   ends init PORT COUNT                 POST /init so many times on one connection
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 18];

static struct sockaddr_in address(const char *host, int port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &at.sin_addr) != 1) errx(2, "%s: no address", host);
  return at;
}

static int listen_on(const char *host, int port) {
  struct sockaddr_in at = address(host, port);
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1024)) err(1, "%s:%d", host, port);
  return fd;
}

static int connect_to(const char *host, int port) {
  struct sockaddr_in at = address(host, port);
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&at, sizeof at)) err(1, "%s:%d", host, port);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void send_bytes(int fd, long long bytes) {
  while (bytes > 0) {
    ssize_t sent = write(fd, buffer, bytes < (long long)sizeof buffer ? (size_t)bytes : sizeof buffer);
    if (sent <= 0) err(1, "write");
    bytes -= sent;
  }
}

static void receive_bytes(int fd, long long bytes) {
  while (bytes > 0) {
    ssize_t got = read(fd, buffer, bytes < (long long)sizeof buffer ? (size_t)bytes : sizeof buffer);
    if (got <= 0) errx(1, "%lld bytes are missing", bytes);
    bytes -= got;
  }
}

struct wish { char what; long long bytes; };

static void serve(int listener) {
  for (;;) {
    struct wish wish;
    int fd = accept(listener, NULL, NULL);
    /* A client that only looks whether somebody listens. */
    if (fd < 0 || recv(fd, &wish, sizeof wish, MSG_WAITALL) != sizeof wish) {
      close(fd);
      continue;
    }
    if (wish.what == 'd') send_bytes(fd, wish.bytes);
    else receive_bytes(fd, wish.bytes);
    if (wish.what == 'u') send_bytes(fd, 1);
    close(fd);
  }
}

static void keep(int listener) {
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0 || read(fd, buffer, 1) != 1 || write(fd, buffer, 1) != 1) close(fd);
  }
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void transfer(char what, const char *host, int port, long long bytes) {
  int fd = connect_to(host, port);
  struct wish wish = {.what = what, .bytes = bytes};
  double start = now();
  if (write(fd, &wish, sizeof wish) != sizeof wish) err(1, "write");
  if (what == 'd') receive_bytes(fd, bytes);
  else send_bytes(fd, bytes);
  if (what == 'u') receive_bytes(fd, 1);
  printf("{\"mb_s\":%.1f}\n", (double)bytes / 1e6 / (now() - start));
}

/* Says that all is there, and waits for the end of input. */
static void rest(void) {
  puts("ready");
  fflush(stdout);
  while (read(0, buffer, sizeof buffer) > 0) {}
}

static void init(int port, int count) {
  static const char request[] = "POST /init HTTP/1.1\r\nHost: mote\r\nContent-Length: 0\r\n\r\n";
  int fd = connect_to("127.0.0.1", port);
  for (int i = 0; i < count; i++) {
    size_t length = 0;
    if (write(fd, request, sizeof request - 1) != sizeof request - 1) err(1, "write");
    do {
      ssize_t got = read(fd, buffer + length, sizeof buffer - length);
      if (got <= 0) errx(1, "no answer");
      length += (size_t)got;
    } while (memmem(buffer, length, "\r\n\r\n", 4) == NULL);
  }
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGPIPE, SIG_IGN);
  if (strcmp(what, "serve") == 0 && argc >= 3) {
    for (int i = 0; argc == 5 && i < atoi(argv[4]); i++) listen_on("127.0.0.1", atoi(argv[3]) + i);
    serve(listen_on("127.0.0.1", atoi(argv[2])));
  } else if (strcmp(what, "keep") == 0 && argc == 3) keep(listen_on("127.0.0.1", atoi(argv[2])));
  else if (strcmp(what, "down") == 0 && argc == 5) transfer('d', argv[2], atoi(argv[3]), atoll(argv[4]));
  else if (strcmp(what, "up") == 0 && argc == 5) transfer('u', argv[2], atoi(argv[3]), atoll(argv[4]));
  else if (strcmp(what, "init") == 0 && argc == 4) init(atoi(argv[2]), atoi(argv[3]));
  else if (strcmp(what, "hold") == 0 && argc == 5) {
    for (int i = 0; i < atoi(argv[4]); i++) {
      int fd = connect_to(argv[2], atoi(argv[3]));
      if (write(fd, "x", 1) != 1 || read(fd, buffer, 1) != 1) err(1, "no answer");
    }
    rest();
  } else if (strcmp(what, "pair") == 0 && argc == 3) {
    struct sockaddr_in at = address("127.0.0.2", 0);
    socklen_t length = sizeof at;
    int listener = listen_on("127.0.0.2", 0);
    getsockname(listener, (struct sockaddr *)&at, &length);
    for (int i = 0; i < atoi(argv[2]); i++) {
      connect_to("127.0.0.2", ntohs(at.sin_port));
      if (accept(listener, NULL, NULL) < 0) err(1, "accept");
    }
    rest();
  } else errx(2, "usage: see ends.c");
  return 0;
}
