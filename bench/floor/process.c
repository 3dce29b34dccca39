/*
 * The floor of Start: whatever the request, a command's output in chunks, and that it has ended; HTTP on loopback.
 *   floor-process PORT COMMAND [ARGUMENT...]
 * Per request: /dev/null, two pipes, fork, execve; both pipes copied out by poll, wait. No request is looked into.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 65536, PEERS = 1024, HEAD = 32 };

static const char head[] =
  "HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 00:00:00 GMT\r\nContent-Type: application/connect+proto\r\n"
  "Transfer-Encoding: chunked\r\n\r\nc\r\n\0\0\0\0\x07\x0a\x05\x0a\x03\x08\xac\x02\r\n";
static const char last[] =
  "1a\r\n\0\0\0\0\x15\x0a\x13\x1a\x11\x10\x01\x1a\x0d" "exit status 0\r\n7\r\n\x02\0\0\0\x02{}\r\n0\r\n\r\n";
static char buffer[HEAD + CHUNK + 2];
extern char **environ;

/* A connection, and the command that runs for it. */
struct peer { int fd, out, errors; pid_t pid; };
static struct peer peers[PEERS];
/* Per peer: its connection while nothing runs, or the two pipes. */
static struct pollfd polled[1 + PEERS * 2];

static void write_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0) return;
    p += done;
    n -= (size_t)done;
  }
}

static void begin(struct peer *peer, char **command) {
  int out[2], errors[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (pipe2(out, O_CLOEXEC) || pipe2(errors, O_CLOEXEC)) err(1, "pipe2");
  peer->pid = fork();
  if (peer->pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    if (dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(errors[1], 2) < 0) _exit(127);
    execve(command[0], command, environ);
    _exit(127);
  }
  close(null);
  close(out[1]);
  close(errors[1]);
  peer->out = out[0];
  peer->errors = errors[0];
  write_all(peer->fd, head, sizeof head - 1);
}

/* Copies what is there in a pipe. Returns whether it goes on. */
static int copy(int from, int to) {
  ssize_t n = read(from, buffer + HEAD, CHUNK);
  if (n <= 0) return 0;
  char size[16];
  int digits = snprintf(size, sizeof size, "%x\r\n", (unsigned)n + 5);
  char *start = buffer + HEAD - 5 - digits;
  memcpy(start, size, (size_t)digits);
  char envelope[5] = {0, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
  memcpy(buffer + HEAD - 5, envelope, 5);
  memcpy(buffer + HEAD + n, "\r\n", 2);
  write_all(to, start, (size_t)(buffer + HEAD + n + 2 - start));
  return 1;
}

static void serve(struct peer *peer, int slot, char **command) {
  if (peer->pid == 0) {
    if (polled[slot].revents == 0) return;
    if (recv(peer->fd, buffer, sizeof buffer, 0) > 0) begin(peer, command);
    else {
      close(peer->fd);
      peer->fd = -1;
    }
    return;
  }
  if (polled[slot].revents != 0 && !copy(peer->out, peer->fd)) {
    close(peer->out);
    peer->out = -1;
  }
  if (polled[slot + 1].revents != 0 && !copy(peer->errors, peer->fd)) {
    close(peer->errors);
    peer->errors = -1;
  }
  if (peer->out >= 0 || peer->errors >= 0) return;
  waitpid(peer->pid, NULL, 0);
  peer->pid = 0;
  write_all(peer->fd, last, sizeof last - 1);
}

int main(int argc, char **argv) {
  if (argc < 3) errx(2, "usage: %s PORT COMMAND [ARGUMENT...]", argv[0]);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), count = 0;
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, PEERS)) err(1, "port %s", argv[1]);
  polled[0] = (struct pollfd){.fd = listener, .events = POLLIN};
  for (;;) {
    for (int i = 0; i < count; i++) {
      struct peer *peer = &peers[i];
      polled[1 + i * 2] = (struct pollfd){.fd = peer->pid == 0 ? peer->fd : peer->out, .events = POLLIN};
      polled[2 + i * 2] = (struct pollfd){.fd = peer->pid == 0 ? -1 : peer->errors, .events = POLLIN};
    }
    if (poll(polled, (nfds_t)count * 2 + 1, -1) < 0) err(1, "poll");
    for (int i = 0; i < count; i++) serve(&peers[i], 1 + i * 2, argv + 2);
    while (count > 0 && peers[count - 1].fd < 0) count--;
    if (polled[0].revents == 0) continue;
    if (count == PEERS) errx(1, "too many connections");
    int fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
    if (fd < 0) err(1, "accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peers[count++] = (struct peer){.fd = fd};
  }
}
