/* Passes over the bytes [start, end) that a table of 256 gives one of the bits of a mask. Returns where it stops. */
#include <stdint.h>

double mote_span(double table, double mask, double bytes, double start, double end) {
  const uint8_t *classes = (const uint8_t *)(uintptr_t)table, *from = (const uint8_t *)(uintptr_t)bytes;
  uint8_t wanted = (uint8_t)mask;
  uintptr_t at = (uintptr_t)start, limit = (uintptr_t)end;
  while (at < limit && (classes[from[at]] & wanted) != 0) at++;
  return (double)at;
}
