/*
 * Takes the place of /bin/sh where a boot is over: tells on the console what the kernel's log says of it, as lines
 * `BENCH MICROSECONDS TEXT`, and powers the machine off. The log is read at the end so that no line of it waits for a
 * serial port while time is taken.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

int main(void) {
  char record[8192];
  ssize_t n;
  FILE *console = fopen("/dev/console", "w");
  int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
  if (!console || log < 0) return 1;
  /* A read(2) is a record: `PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT`, and lines of its dictionary. */
  while ((n = read(log, record, sizeof record - 1)) > 0) {
    record[n] = 0;
    char *text = strchr(record, ';');
    if (!text) continue;
    text[strcspn(text, "\n")] = 0;
    if (!strstr(text, "as init process") && !strstr(text, "listening on") && !strstr(text, "MARK")) continue;
    char *at = strchr(strchr(record, ',') + 1, ',') + 1;
    fprintf(console, "BENCH %llu %s\n", strtoull(at, 0, 10), text + 1);
  }
  fprintf(console, "BENCH end\n");
  fflush(console);
  /* The power goes before the last characters are out, otherwise. */
  tcdrain(fileno(console));
  reboot(RB_POWER_OFF);
  return 0;
}
