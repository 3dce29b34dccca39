/*
 * The floors of the file-system service; HTTP on loopback, one request per connection.
 *   floor-directory PORT list DIRECTORY    its entries with what lstat(2) says and a look for attributes, by name
 *   floor-directory PORT watch DIRECTORY   its inotify(7) events, each in a chunk of its own
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { ENTRY = 256 };

static char buffer[65536];

static void write_all(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, p, n);
    if (done < 0) return;
    p += done;
    n -= (size_t)done;
  }
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(int peer, const char *path) {
  size_t count = 0, room = 1024, size = 0;
  char **names = malloc(room * sizeof *names), full[4096];
  DIR *directory = opendir(path);
  if (directory == NULL) err(1, "%s", path);
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    if (count == room) names = realloc(names, (room *= 2) * sizeof *names);
    names[count++] = strdup(entry->d_name);
  }
  qsort(names, count, sizeof *names, by_name);
  char *body = malloc(count * ENTRY + 1);
  for (size_t i = 0; i < count; i++) {
    struct stat is;
    if (fstatat(dirfd(directory), names[i], &is, AT_SYMLINK_NOFOLLOW)) err(1, "%s", names[i]);
    snprintf(full, sizeof full, "%s/%s", path, names[i]);
    if (listxattr(full, buffer, sizeof buffer) < 0) buffer[0] = 0;
    size += (size_t)snprintf(body + size, ENTRY, "%s %s %lld %o %u %u %lld.%09ld", names[i], full, (long long)is.st_size,
      is.st_mode, is.st_uid, is.st_gid, (long long)is.st_mtim.tv_sec, is.st_mtim.tv_nsec);
    free(names[i]);
  }
  closedir(directory);
  int n = snprintf(buffer, sizeof buffer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
  write_all(peer, buffer, (size_t)n);
  write_all(peer, body, size);
  free(body);
  free(names);
}

static void watch(int peer, const char *path) {
  static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  int events = inotify_init1(IN_CLOEXEC);
  unsigned mask = IN_CREATE | IN_MODIFY | IN_DELETE | IN_DELETE_SELF | IN_MOVE | IN_MOVE_SELF | IN_ATTRIB;
  if (events < 0 || inotify_add_watch(events, path, mask) < 0) err(1, "%s", path);
  write_all(peer, head, sizeof head - 1);
  for (int is_last = 0; !is_last;) {
    ssize_t n = read(events, buffer, sizeof buffer);
    if (n <= 0) err(1, "inotify");
    for (char *p = buffer; p < buffer + n;) {
      struct inotify_event *event = (struct inotify_event *)(void *)p;
      char chunk[512];
      size_t length = strlen(event->name);
      int size = snprintf(chunk, sizeof chunk, "%zx\r\n", length + 5 + 6);
      memcpy(chunk + size, "\0\0\0\0\x08\x12\x08\x0a\x04\x10\x01", 11);
      memcpy(chunk + size + 11, event->name, length);
      memcpy(chunk + size + 11 + length, "\r\n", 2);
      write_all(peer, chunk, (size_t)size + 13 + length);
      is_last = strcmp(event->name, "last") == 0;
      p += sizeof *event + event->len;
    }
  }
  close(events);
}

int main(int argc, char **argv) {
  if (argc != 4) errx(2, "usage: %s PORT list|watch DIRECTORY", argv[0]);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 16)) err(1, "port %s", argv[1]);
  for (;;) {
    int peer = accept4(listener, 0, 0, SOCK_CLOEXEC);
    if (peer < 0) err(1, "accept");
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (recv(peer, buffer, sizeof buffer, 0) > 0) (strcmp(argv[2], "list") == 0 ? list : watch)(peer, argv[3]);
    close(peer);
  }
}
