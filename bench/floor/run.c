/* The floor of `run`: two pipes, fork, setsid, execve of /bin/sh -c CMD, both pipes copied out, wait, exit frame. */
#include "floor.h"

extern char **environ;

static pid_t start(char *cmd, int out, int errors) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  signal(SIGPIPE, SIG_DFL);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0) _exit(127);
  execve("/bin/sh", (char *[]){"sh", "-c", cmd, 0}, environ);
  _exit(127);
}

static void copy_out(int peer, int out, int errors) {
  static unsigned char buffer[HEADER + CHUNK];
  struct pollfd from[2] = {{.fd = out, .events = POLLIN}, {.fd = errors, .events = POLLIN}};
  for (int open = 2; open > 0;) {
    if (poll(from, 2, -1) < 0) err(1, "poll");
    for (int i = 0; i < 2; i++) {
      if (!from[i].revents) continue;
      ssize_t n = read(from[i].fd, buffer + HEADER, CHUNK);
      if (n > 0) {
        put_header(buffer, STDOUT + i, (uint32_t)n);
        write_all(peer, buffer, HEADER + (size_t)n);
      } else {
        close(from[i].fd);
        from[i].fd = -1;
        open--;
      }
    }
  }
}

int main(int argc, char **argv) {
  int listener = listen_at(argc, argv);
  for (;;) {
    char request[4096], cmd[4096], reply[64];
    int out[2], errors[2], status;
    int peer = accept_next(listener);
    ssize_t n = read(peer, request, sizeof request - 1);
    request[n > 0 ? n : 0] = 0;
    if (n > HEADER && string_value(request + HEADER, "\"cmd\":", cmd, sizeof cmd)) {
      if (pipe2(out, O_CLOEXEC) || pipe2(errors, O_CLOEXEC)) err(1, "pipe2");
      pid_t pid = start(cmd, out[1], errors[1]);
      if (pid < 0) err(1, "fork");
      close(out[1]);
      close(errors[1]);
      copy_out(peer, out[0], errors[0]);
      if (waitpid(pid, &status, 0) < 0) err(1, "waitpid");
      snprintf(reply, sizeof reply, "{\"ok\":true,\"op\":\"exit\",\"exit_code\":%d}",
               WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
      send_frame(peer, JSON, reply);
    }
    close(peer);
  }
}
