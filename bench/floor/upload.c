/* The floor of `put_file`: each frame is read and written to a fresh file, which is renamed; then the reply. */
#include "floor.h"

static unsigned char buffer[HEADER + CHUNK];

/* Reads exactly n bytes; 0 where the stream ends before. */
static int read_exactly(int fd, void *to, size_t n) {
  return recv(fd, to, n, MSG_WAITALL) == (ssize_t)n;
}

static void receive(int peer, const char *path) {
  char temporary[4200];
  snprintf(temporary, sizeof temporary, "%s.part", path);
  int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) err(1, "%s", temporary);
  while (read_exactly(peer, buffer, HEADER) && buffer[0] == DATA) {
    uint32_t n = header_length(buffer);
    if (n > CHUNK || !read_exactly(peer, buffer, n) || write_all(file, buffer, n)) break;
  }
  close(file);
  if (rename(temporary, path)) err(1, "%s", path);
  send_frame(peer, JSON, "{\"ok\":true}");
}

int main(int argc, char **argv) {
  int listener = listen_at(argc, argv);
  for (;;) {
    char path[4096];
    int peer = accept_next(listener);
    if (read_exactly(peer, buffer, HEADER)) {
      uint32_t n = header_length(buffer);
      if (n < CHUNK && read_exactly(peer, buffer, n)) {
        buffer[n] = 0;
        if (string_value((char *)buffer, "\"path\":", path, sizeof path)) receive(peer, path);
      }
    }
    close(peer);
  }
}
