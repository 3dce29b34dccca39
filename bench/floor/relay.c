/*
 * The floor of a relay: splice(2) through a pipe each way, one connection at a time, half-closes kept.
 *   floor-relay ADDRESS PORT TARGET_PORT    from there to 127.0.0.1
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536 };

struct way { int from, to, pipe[2]; size_t waiting; int is_over; };

static struct sockaddr_in address(const char *host, const char *port) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  if (inet_pton(AF_INET, host, &at.sin_addr) != 1) errx(2, "%s: no address", host);
  return at;
}

/* Moves what goes at once. Returns -1 where a side has failed. */
static int move(struct way *way) {
  for (;;) {
    if (way->waiting == 0) {
      if (way->is_over) return 0;
      ssize_t got = splice(way->from, NULL, way->pipe[1], NULL, CHUNK, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (got < 0) return errno == EAGAIN ? 0 : -1;
      if (got == 0) {
        way->is_over = 1;
        return shutdown(way->to, SHUT_WR);
      }
      way->waiting = (size_t)got;
    }
    ssize_t sent = splice(way->pipe[0], NULL, way->to, NULL, way->waiting, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent < 0) return errno == EAGAIN ? 0 : -1;
    way->waiting -= (size_t)sent;
  }
}

static void relay(int client, int server, struct way ways[2]) {
  for (int i = 0; i < 2; i++) {
    ways[i].from = i == 0 ? client : server;
    ways[i].to = i == 0 ? server : client;
    ways[i].waiting = 0;
    ways[i].is_over = 0;
  }
  while (!ways[0].is_over || !ways[1].is_over) {
    struct pollfd fds[2];
    for (int i = 0; i < 2; i++) {
      fds[i].fd = ways[i].from;
      fds[i].events = (short)((ways[i].is_over || ways[i].waiting > 0 ? 0 : POLLIN) | (ways[1 - i].waiting > 0 ? POLLOUT : 0));
    }
    if (poll(fds, 2, -1) < 0 || move(&ways[0]) < 0 || move(&ways[1]) < 0) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) errx(2, "usage: %s ADDRESS PORT TARGET_PORT", argv[0]);
  struct sockaddr_in at = address(argv[1], argv[2]), target = address("127.0.0.1", argv[3]);
  struct way ways[2];
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 128)) err(1, "%s:%s", argv[1], argv[2]);
  for (int i = 0; i < 2; i++) if (pipe2(ways[i].pipe, O_NONBLOCK)) err(1, "pipe");
  for (;;) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK), server = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || server < 0 || connect(server, (struct sockaddr *)&target, sizeof target)) err(1, "connect");
    fcntl(server, F_SETFL, O_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay(client, server, ways);
    close(client);
    close(server);
  }
}
