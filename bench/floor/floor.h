/* What the floors share: a listening Unix socket, whole writes, one frame, one string out of a request. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JSON = 1, STDOUT = 2, STDERR = 3, DATA = 4, END = 5, HEADER = 5, CHUNK = 65536 };

/* Listens at the path in argv[1]; the backlog is the agent's. */
static inline int listen_at(int argc, char **argv) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  if (argc != 2 || strlen(argv[1]) >= sizeof at.sun_path) errx(2, "usage: %s SOCKET", argv[0]);
  strcpy(at.sun_path, argv[1]);
  signal(SIGPIPE, SIG_IGN);
  unlink(at.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 128)) err(1, "%s", argv[1]);
  return fd;
}

static inline int accept_next(int listener) {
  int fd = accept4(listener, 0, 0, SOCK_CLOEXEC);
  if (fd < 0) err(1, "accept");
  return fd;
}

/* Writes all n bytes; 0, or -1 where the peer is gone. */
static inline int write_all(int fd, const void *bytes, size_t n) {
  for (const char *p = bytes; n > 0;) {
    ssize_t done = write(fd, p, n);
    if (done < 0) return -1;
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

static inline void put_header(unsigned char *at, int type, uint32_t length) {
  at[0] = (unsigned char)type;
  at[1] = (unsigned char)(length >> 24);
  at[2] = (unsigned char)(length >> 16);
  at[3] = (unsigned char)(length >> 8);
  at[4] = (unsigned char)length;
}

static inline uint32_t header_length(const unsigned char *at) {
  return (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 8 | at[4];
}

/* Sends one frame of a short payload in one write. */
static inline int send_frame(int fd, int type, const char *payload) {
  unsigned char out[HEADER + 512];
  size_t n = strlen(payload);
  put_header(out, type, (uint32_t)n);
  memcpy(out + HEADER, payload, n);
  return write_all(fd, out, HEADER + n);
}

/* Copies the string value of a key of a request that holds no escapes; 0 where the key is not there. */
static inline int string_value(const char *request, const char *key, char *out, size_t room) {
  const char *at = strstr(request, key);
  if (!at || !(at = strchr(at + strlen(key), '"'))) return 0;
  const char *end = strchr(++at, '"');
  if (!end || (size_t)(end - at) >= room) return 0;
  memcpy(out, at, (size_t)(end - at));
  out[end - at] = 0;
  return 1;
}
