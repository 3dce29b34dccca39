/* Prints what the small formatter makes of the conversions that it knows. native.test.ts compares. */
#include <stdio.h>

int main(void) {
  char out[64];
  int length = snprintf(out, sizeof out, "%s|%.*s|%c|%%|%d|%d|%u", "text", 3, "abcdef", 'x', -5, 0, 4000000000u);
  printf("%d %s\n", length, out);
  length = snprintf(out, sizeof out, "%ld|%lu|%zu|%lld|%llu|%x", -7L, 8UL, (size_t)9, -10LL, 11ULL, 0xbeefu);
  printf("%d %s\n", length, out);
  length = snprintf(out, 5, "%s", "cut off");
  printf("%d %s\n", length, out);
  printf("%d\n", snprintf(NULL, 0, "%s", "counted"));
  return 0;
}
