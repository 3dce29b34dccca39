/*
 * The floor of an init that serves: mounts /proc, listens, says so in the kernel's log as the agent does. Then it
 * brings lo up, starts /bin/sh where there is one, and answers every connection with the same frame. As another process
 * than the first it only listens and answers.
 */
#include "../floor/floor.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

enum { PORT = 7000 };

static void say(const char *line) {
  int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  if (log < 0) return;
  if (write(log, line, strlen(line)) < 0) perror("kmsg");
  close(log);
}

static int listen_tcp(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 128)) perror("listen");
  return fd;
}

static void raise_loopback(void) {
  struct ifreq lo = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ioctl(fd, SIOCGIFFLAGS, &lo);
  lo.ifr_flags |= IFF_UP;
  ioctl(fd, SIOCSIFFLAGS, &lo);
  close(fd);
}

int main(void) {
  int is_init = getpid() == 1;
  if (is_init) mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
  signal(SIGPIPE, SIG_IGN);
  int listener = listen_tcp();
  /* A line without its end is not in the log before the next one. */
  say("<6>init: listening on tcp:0.0.0.0:7000\n");
  if (is_init) {
    raise_loopback();
    if (fork() == 0) {
      execl("/bin/sh", "sh", "-c", "", (char *)0);
      _exit(127);
    }
  }
  for (;;) {
    char request[4096];
    int peer = accept4(listener, 0, 0, SOCK_CLOEXEC);
    if (peer < 0) continue;
    if (read(peer, request, sizeof request) > 0) send_frame(peer, JSON, "{\"ok\":true,\"op\":\"pong\"}");
    close(peer);
  }
}
