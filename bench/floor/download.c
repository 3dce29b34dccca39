/* The floor of `get_file`: header, then 64 KiB reads of the file written out as frames, then the EOF frame. */
#include "floor.h"

static void deliver(int peer, const char *path) {
  static unsigned char buffer[HEADER + CHUNK];
  char header[128];
  struct stat is;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &is)) err(1, "%s", path);
  snprintf(header, sizeof header, "{\"ok\":true,\"mode\":%u,\"size\":%lld}", is.st_mode & 07777u, (long long)is.st_size);
  send_frame(peer, JSON, header);
  for (ssize_t n; (n = read(file, buffer + HEADER, CHUNK)) > 0;) {
    put_header(buffer, DATA, (uint32_t)n);
    if (write_all(peer, buffer, HEADER + (size_t)n)) break;
  }
  close(file);
  send_frame(peer, END, "");
}

int main(int argc, char **argv) {
  int listener = listen_at(argc, argv);
  for (;;) {
    char request[4096], path[4096];
    int peer = accept_next(listener);
    ssize_t n = read(peer, request, sizeof request - 1);
    request[n > 0 ? n : 0] = 0;
    if (n > HEADER && string_value(request + HEADER, "\"path\":", path, sizeof path)) deliver(peer, path);
    close(peer);
  }
}
