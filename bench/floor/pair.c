/* The floor of a supervisor and its worker: one process listens, forks and sleeps, the other answers pings. */
#include "floor.h"
#include <sys/prctl.h>

int main(int argc, char **argv) {
  int listener = listen_at(argc, argv);
  pid_t parent = getpid(), child = fork();
  if (child < 0) err(1, "fork");
  if (child > 0)
    for (;;) poll(0, 0, -1);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return 1;
  for (;;) {
    struct pollfd next = {.fd = listener, .events = POLLIN};
    char request[4096];
    poll(&next, 1, -1);
    int peer = accept_next(listener);
    if (read(peer, request, sizeof request) > 0)
      send_frame(peer, JSON, "{\"ok\":true,\"op\":\"pong\",\"agent_version\":\"0.1.0\",\"proto\":1}");
    close(peer);
  }
}
