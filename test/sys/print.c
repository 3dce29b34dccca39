/* Writes to both streams in every way that the runtime has. native.test.ts compares. */
#include <stdio.h>

int main(void) {
  static char buffer[64];
  if (setvbuf(stdout, buffer, _IOFBF, sizeof buffer) != 0) return 1;
  if (fprintf(stdout, "out: %d\n", 1) != 7) return 1;
  if (fwrite("parts", 3, 2, stdout) != 2 || fflush(stdout) != 0) return 1;
  if (fputs("text ", stderr) < 0 || fprintf(stderr, "%d%c", 2, '!') != 2 || fputc('\n', stderr) != '\n') return 1;
  return 0;
}
