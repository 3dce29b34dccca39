/*
 * Merges two runs of names, each in ascending order of their bytes and every name with a NUL behind it, into one. The result
 * has the size of both.
 */
#include <stdint.h>
#include <string.h>

double mote_merge_names(double left, double left_size, double right, double right_size, double to) {
  const char *a = (const char *)(uintptr_t)left, *a_end = a + (size_t)left_size;
  const char *b = (const char *)(uintptr_t)right, *b_end = b + (size_t)right_size;
  char *out = (char *)(uintptr_t)to;
  while (a < a_end && b < b_end) {
    const char **from = strcmp(a, b) <= 0 ? &a : &b;
    size_t size = strlen(*from) + 1;
    memcpy(out, *from, size);
    out += size;
    *from += size;
  }
  memcpy(out, a, (size_t)(a_end - a));
  memcpy(out + (a_end - a), b, (size_t)(b_end - b));
  return 0;
}
