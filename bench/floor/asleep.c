/* The floor of resident memory: a process asleep in poll. */
#include <poll.h>

int main(void) {
  for (;;) poll(0, 0, -1);
}
