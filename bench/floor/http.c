/*
 * The floors of HTTP on loopback: accept, read, answer, and no more of the protocol than the client needs.
 *   floor-http PORT answer        a fixed answer of as many bytes as the agent's to GET /health
 *   floor-http PORT file PATH     the file by sendfile(2)
 *   floor-http PORT store PATH    recv(2) and write(2) of a body into a fresh file
 * One connection at a time, several requests on each.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536 };

static const char answer[] =
  "HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 00:00:00 GMT\r\nVary: Origin\r\nContent-Type: application/json\r\n"
  "Cache-Control: no-store\r\nContent-Length: 20\r\n\r\n{\"version\":\"0.6.11\"}";
static char buffer[CHUNK];

static int write_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0) return -1;
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

/* Whether the request asks for the connection to end with it. */
static int is_last(ssize_t n) { return memmem(buffer, (size_t)n, "Connection: close", 17) != NULL; }

static void serve_answer(int peer) {
  for (ssize_t n; (n = recv(peer, buffer, sizeof buffer, 0)) > 0;) {
    if (write_all(peer, answer, sizeof answer - 1) || is_last(n)) return;
  }
}

static void serve_file(int peer, const char *path) {
  while (recv(peer, buffer, sizeof buffer, 0) > 0) {
    struct stat is;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &is)) err(1, "%s", path);
    int length = snprintf(buffer, sizeof buffer, "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n\r\n", (long long)is.st_size);
    if (write_all(peer, buffer, (size_t)length)) return;
    for (off_t at = 0; at < is.st_size;) {
      if (sendfile(peer, file, &at, (size_t)(is.st_size - at)) <= 0) break;
    }
    close(file);
  }
}

static void serve_store(int peer, const char *path) {
  for (ssize_t n; (n = recv(peer, buffer, sizeof buffer, 0)) > 0;) {
    const char *end = memmem(buffer, (size_t)n, "\r\n\r\n", 4), *field = memmem(buffer, (size_t)n, "Content-Length: ", 16);
    if (end == NULL || field == NULL) errx(1, "a head in pieces, or without a length");
    long long left = atoll(field + 16);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) err(1, "%s", path);
    size_t first = (size_t)(n - (end + 4 - buffer));
    write_all(file, end + 4, first);
    for (left -= (long long)first; left > 0; left -= n) {
      n = recv(peer, buffer, sizeof buffer, 0);
      if (n <= 0 || write_all(file, buffer, (size_t)n)) errx(1, "the body broke off");
    }
    close(file);
    if (write_all(peer, answer, sizeof answer - 1)) return;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) errx(2, "usage: %s PORT answer|file|store [PATH]", argv[0]);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 128)) err(1, "port %s", argv[1]);
  for (;;) {
    int peer = accept4(listener, 0, 0, SOCK_CLOEXEC);
    if (peer < 0) err(1, "accept");
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (strcmp(argv[2], "answer") == 0) serve_answer(peer);
    else if (strcmp(argv[2], "file") == 0) serve_file(peer, argv[3]);
    else serve_store(peer, argv[3]);
    close(peer);
  }
}
