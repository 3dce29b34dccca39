/*
 * The measuring client of HTTP on loopback; one line of JSON per measurement.
 *   http-client PORT get PATH COUNT           COUNT requests on one connection
 *   http-client PORT close PATH COUNT         COUNT requests, a connection for each
 *   http-client PORT download PATH [FIELD]    one response, its body counted and dropped; FIELD is sent along
 *   http-client PORT upload PATH BYTES        one body of application/octet-stream
 *   http-client PORT hold PATH COUNT          COUNT connections with a request answered on each, held until stdin ends
 */
#include "../loopback.h"
#include <strings.h>

/* Reads one response; returns the bytes of its body, those of the framing of chunks with them. */
static long long response(int fd) {
  size_t have = 0;
  char *end = NULL;
  while (end == NULL) {
    ssize_t n = recv(fd, input + have, sizeof input - have - 1, 0);
    if (n <= 0) errx(1, "the server closed before its reply was whole");
    have += (size_t)n;
    input[have] = 0;
    end = strstr(input, "\r\n\r\n");
  }
  if (strncmp(input, "HTTP/1.1 2", 10) != 0) errx(1, "unexpected reply: %.200s", input);
  const char *length = strcasestr(input, "\r\nContent-Length: ");
  long long body = (long long)(have - (size_t)(end + 4 - input)), rest = 0;
  if (length != NULL && length < end) {
    rest = atoll(length + 18);
    while (body < rest) {
      ssize_t n = recv(fd, input, sizeof input, 0);
      if (n <= 0) errx(1, "the body broke off");
      body += n;
    }
    return body;
  }
  /* Chunked: ends with the chunk of no bytes. */
  char tail[5] = {0};
  for (size_t from = (size_t)(end + 4 - input), n = have - from;;) {
    if (n >= 5) memcpy(tail, input + from + n - 5, 5);
    else {
      memmove(tail, tail + n, 5 - n);
      memcpy(tail + 5 - n, input + from, n);
    }
    if (memcmp(tail, "0\r\n\r\n", 5) == 0) return body;
    ssize_t got = recv(fd, input, sizeof input, 0);
    if (got <= 0) errx(1, "the body broke off");
    from = 0;
    n = (size_t)got;
    body += got;
  }
}

static size_t request(char *out, size_t room, const char *method, const char *path, const char *fields) {
  return (size_t)snprintf(out, room, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, fields);
}

int main(int argc, char **argv) {
  if (argc < 4) errx(2, "usage: %s PORT get|close|download|upload|hold PATH ...", argv[0]);
  measure_at(argv[1]);
  const char *what = argv[2], *path = argv[3];
  char head[4096], fields[512] = "";
  double start;
  if (strcmp(what, "get") == 0) {
    int count = atoi(argv[4]), fd = dial();
    size_t n = request(head, sizeof head, "GET", path, "");
    start = now();
    for (int i = 0; i < count; i++) {
      write_all(fd, head, n);
      response(fd);
    }
    printf("{\"per_s\":%.1f}\n", count / (now() - start));
  } else if (strcmp(what, "close") == 0) {
    int count = atoi(argv[4]);
    size_t n = request(head, sizeof head, "GET", path, "Connection: close\r\n");
    start = now();
    for (int i = 0; i < count; i++) {
      int fd = dial();
      write_all(fd, head, n);
      response(fd);
      close(fd);
    }
    printf("{\"per_s\":%.1f}\n", count / (now() - start));
  } else if (strcmp(what, "download") == 0) {
    if (argc > 4) snprintf(fields, sizeof fields, "%s\r\n", argv[4]);
    size_t n = request(head, sizeof head, "GET", path, fields);
    int fd = dial();
    start = now();
    write_all(fd, head, n);
    long long bytes = response(fd);
    double seconds = now() - start;
    printf("{\"mb_s\":%.3f,\"bytes\":%lld,\"seconds\":%.6f}\n", (double)bytes / 1e6 / seconds, bytes, seconds);
  } else if (strcmp(what, "upload") == 0) {
    long long bytes = atoll(argv[4]);
    snprintf(fields, sizeof fields, "Content-Type: application/octet-stream\r\nContent-Length: %lld\r\n", bytes);
    size_t n = request(head, sizeof head, "POST", path, fields);
    memset(input, 0x5a, sizeof input);
    int fd = dial();
    start = now();
    write_all(fd, head, n);
    for (long long left = bytes; left > 0; left -= 65536) write_all(fd, input, left < 65536 ? (size_t)left : 65536);
    response(fd);
    printf("{\"mb_s\":%.3f}\n", (double)bytes / 1e6 / (now() - start));
  } else if (strcmp(what, "hold") == 0) {
    int count = atoi(argv[4]);
    allow_connections(count);
    size_t n = request(head, sizeof head, "GET", path, "");
    for (int i = 0; i < count; i++) {
      int fd = dial();
      write_all(fd, head, n);
      response(fd);
    }
    printf("{\"held\":%d}\n", count);
    fflush(stdout);
    while (read(0, input, sizeof input) > 0) continue;
  } else errx(2, "unknown: %s", what);
}
