/*
 * The measuring client of Connect on loopback; one line of JSON per measurement. CODEC is json or proto.
 *   rpc-client PORT start CODEC COUNT                COUNT times Start of /bin/true up to its end, on one connection
 *   rpc-client PORT output CODEC PROCESSES BYTES     so many processes at once, each of which writes BYTES
 *   rpc-client PORT list CODEC DIRECTORY             ListDir, its answer counted and dropped
 *   rpc-client PORT watch CODEC DIRECTORY COUNT      WatchDir, while COUNT files are made there, up to the last event
 */
#include "../loopback.h"
#include <fcntl.h>
#include <poll.h>

static int is_json;

/* Bytes of a request as it is put together. */
struct bytes { char at[4096]; size_t size; };

static void put(struct bytes *to, const void *from, size_t n) {
  if (to->size + n > sizeof to->at) errx(2, "too long");
  memcpy(to->at + to->size, from, n);
  to->size += n;
}

/* A field of bytes, shorter than 128. */
static void put_field(struct bytes *to, int number, const void *from, size_t n) {
  char head[2] = {(char)(number * 8 + 2), (char)n};
  put(to, head, 2);
  put(to, from, n);
}

static void put_text(struct bytes *to, const char *text) { put(to, text, strlen(text)); }

/* StartRequest of a command without a standard input, the way of the E2B SDKs. */
static struct bytes start_message(int count, char **words) {
  struct bytes message = {.size = 0}, process = {.size = 0};
  if (is_json) {
    put_text(&message, "{\"process\":{\"cmd\":\"");
    put_text(&message, words[0]);
    put_text(&message, "\",\"args\":[");
    for (int i = 1; i < count; i++) {
      put_text(&message, i > 1 ? ",\"" : "\"");
      put_text(&message, words[i]);
      put_text(&message, "\"");
    }
    put_text(&message, "],\"envs\":{}},\"stdin\":false}");
    return message;
  }
  for (int i = 0; i < count; i++) put_field(&process, i == 0 ? 1 : 2, words[i], strlen(words[i]));
  put_field(&message, 1, process.at, process.size);
  put(&message, "\x20\x00", 2);
  return message;
}

/* A message with a path and nothing else. */
static struct bytes path_message(const char *path) {
  struct bytes message = {.size = 0};
  if (!is_json) put_field(&message, 1, path, strlen(path));
  else {
    put_text(&message, "{\"path\":\"");
    put_text(&message, path);
    put_text(&message, "\"}");
  }
  return message;
}

static struct bytes request(const char *method, int is_stream, struct bytes message) {
  struct bytes whole = {.size = 0};
  unsigned length = (unsigned)message.size;
  whole.size = (size_t)snprintf(whole.at, sizeof whole.at,
    "POST /%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: e2b-js-sdk/2.45.0\r\nConnect-Protocol-Version: 1\r\n"
    "Keepalive-Ping-Interval: 50\r\nContent-Type: application/%s%s\r\nContent-Length: %u\r\n\r\n",
    method, is_stream ? "connect+" : "", is_json ? "json" : "proto", length + (is_stream ? 5 : 0));
  char envelope[5] = {0, 0, 0, (char)(length >> 8), (char)length};
  if (is_stream) put(&whole, envelope, 5);
  put(&whole, message.at, message.size);
  return whole;
}

/* What comes of one response, its bytes dropped but for the last ones. */
struct response { int fd, is_over; long long bytes; char tail[256]; };

static void take(struct response *from) {
  ssize_t n = recv(from->fd, input, sizeof input, 0);
  if (n <= 0) errx(1, "closed after %lld bytes", from->bytes);
  if (from->bytes == 0 && strncmp(input, "HTTP/1.1 200", 12) != 0) errx(1, "unexpected reply: %.300s", input);
  from->bytes += n;
  size_t room = sizeof from->tail, kept = (size_t)n < room ? (size_t)n : room;
  memmove(from->tail, from->tail + kept, room - kept);
  memcpy(from->tail + room - kept, input + n - kept, kept);
  from->is_over = memcmp(from->tail + room - 5, "0\r\n\r\n", 5) == 0;
}

static void expect_success(const struct response *of) {
  if (memmem(of->tail, sizeof of->tail, "exit status 0", 13) == NULL) errx(1, "a process has failed");
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure_start(int count) {
  char *words[] = {"/bin/true"};
  struct bytes whole = request("process.Process/Start", 1, start_message(1, words));
  double *each = malloc(sizeof *each * (size_t)count), begun = now();
  int fd = dial();
  for (int i = 0; i < count; i++) {
    struct response response = {.fd = fd};
    double from = now();
    write_all(fd, whole.at, whole.size);
    while (!response.is_over) take(&response);
    each[i] = (now() - from) * 1e6;
    expect_success(&response);
  }
  double seconds = now() - begun;
  qsort(each, (size_t)count, sizeof *each, by_size);
  printf("{\"median_us\":%.1f,\"mean_us\":%.1f}\n", each[count / 2], seconds / count * 1e6);
}

static void measure_output(int count, char *bytes) {
  char *words[] = {"/usr/bin/head", "-c", bytes, "/dev/zero"};
  struct bytes whole = request("process.Process/Start", 1, start_message(4, words));
  struct response *all = calloc((size_t)count, sizeof *all);
  struct pollfd *polled = calloc((size_t)count, sizeof *polled);
  allow_connections(count);
  for (int i = 0; i < count; i++) {
    all[i].fd = polled[i].fd = dial();
    polled[i].events = POLLIN;
  }
  double from = now();
  for (int i = 0; i < count; i++) write_all(all[i].fd, whole.at, whole.size);
  for (int left = count; left > 0;) {
    if (poll(polled, (nfds_t)count, -1) < 0) err(1, "poll");
    for (int i = 0; i < count; i++) {
      if (polled[i].fd < 0 || polled[i].revents == 0) continue;
      take(&all[i]);
      if (!all[i].is_over) continue;
      expect_success(&all[i]);
      if (all[i].bytes < atoll(bytes)) errx(1, "an output of %lld bytes", all[i].bytes);
      polled[i].fd = -1;
      left--;
    }
  }
  printf("{\"mb_s\":%.3f}\n", count * atof(bytes) / 1e6 / (now() - from));
}

/* Bytes of a body of known length that are still to come behind what has been read of a response. */
static long long rest_of(const char *head, ssize_t n) {
  const char *end = memmem(head, (size_t)n, "\r\n\r\n", 4), *length = memmem(head, (size_t)n, "Content-Length: ", 16);
  if (end == NULL || length == NULL) errx(1, "no length: %.300s", head);
  return atoll(length + 16) - (head + n - end - 4);
}

static void measure_list(const char *path) {
  struct bytes whole = request("filesystem.Filesystem/ListDir", 0, path_message(path));
  int fd = dial();
  double from = now();
  write_all(fd, whole.at, whole.size);
  ssize_t n = recv(fd, input, sizeof input - 1, 0);
  if (n <= 0 || strncmp(input, "HTTP/1.1 200", 12) != 0) errx(1, "unexpected reply: %.300s", input);
  for (long long left = rest_of(input, n); left > 0; left -= n) {
    n = recv(fd, input, sizeof input, 0);
    if (n <= 0) errx(1, "closed %lld bytes before the end", left);
  }
  printf("{\"seconds\":%.6f}\n", now() - from);
}

static void measure_watch(const char *path, int count) {
  struct bytes whole = request("filesystem.Filesystem/WatchDir", 1, path_message(path));
  struct response response = {.fd = dial()};
  char name[512];
  write_all(response.fd, whole.at, whole.size);
  take(&response);
  int directory = open(path, O_DIRECTORY);
  double from = now();
  for (int i = 0; i <= count; i++) {
    snprintf(name, sizeof name, i < count ? "file-%d" : "last", i);
    int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file < 0) err(1, "%s", name);
    close(file);
    /* What has come is read, so that nobody waits for us. */
    struct pollfd there = {.fd = response.fd, .events = POLLIN};
    while (poll(&there, 1, 0) > 0) take(&response);
  }
  while (memmem(response.tail, sizeof response.tail, "last", 4) == NULL) take(&response);
  printf("{\"seconds\":%.6f}\n", now() - from);
}

int main(int argc, char **argv) {
  if (argc < 5) errx(2, "usage: %s PORT start|output|list|watch CODEC ...", argv[0]);
  measure_at(argv[1]);
  is_json = strcmp(argv[3], "json") == 0;
  if (strcmp(argv[2], "start") == 0) measure_start(atoi(argv[4]));
  else if (strcmp(argv[2], "output") == 0 && argc > 5) measure_output(atoi(argv[4]), argv[5]);
  else if (strcmp(argv[2], "list") == 0) measure_list(argv[4]);
  else if (strcmp(argv[2], "watch") == 0 && argc > 5) measure_watch(argv[4], atoi(argv[5]));
  else errx(2, "unknown: %s", argv[2]);
}
