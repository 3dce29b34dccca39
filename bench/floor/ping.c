/* The floor of `ping` and of start to first pong: accept, read once, write one fixed frame, close. */
#include "floor.h"

int main(int argc, char **argv) {
  int listener = listen_at(argc, argv);
  for (;;) {
    char request[4096];
    int peer = accept_next(listener);
    if (read(peer, request, sizeof request) > 0)
      send_frame(peer, JSON, "{\"ok\":true,\"op\":\"pong\",\"agent_version\":\"0.1.0\",\"proto\":1}");
    close(peer);
  }
}
