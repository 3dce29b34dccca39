/*
 * Streams of deflate.c with steps of random sizes: what goes in comes out again; then changed and cut input, which must do
 * no harm. Buffers are of just their size, so that a byte beyond is noticed. native.test.ts runs it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double mote_gzip_open(double inflates);
double mote_gzip_close(double stream);
double mote_gzip_step(double stream, double is_last, double input, double length, double output, double room, double left);

#define MAX 200000

static uint32_t state = 1;

static uint32_t next(uint32_t bound) {
  state ^= state << 13; state ^= state >> 17; state ^= state << 5;
  return state % bound;
}

static double address(const void *pointer) { return (double)(uintptr_t)pointer; }

/* Puts bytes through a stream. Returns how many came out, at most MAX of them kept, or -1 where the input is refused. */
static long pass(int inflates, const uint8_t *from, size_t length, uint8_t *to, const char **text) {
  double stream = mote_gzip_open(inflates);
  size_t in = 0, out = 0;
  uint32_t left[2];
  *text = NULL;
  if (stream == 0) abort();
  for (;;) {
    size_t take = next(2) ? next(40) : next(30000), room = next(2) ? next(40) + 1 : next(30000) + 1;
    if (take > length - in) take = length - in;
    int is_last = in + take == length;
    uint8_t *input = malloc(take + 1), *output = malloc(room);
    memcpy(input, from + in, take);
    *text = (const char *)(uintptr_t)mote_gzip_step(stream, is_last, address(input), (double)take, address(output), (double)room, address(left));
    size_t given = room - left[0];
    in += take - left[1];
    if (out + given <= MAX) memcpy(to + out, output, given);
    out += given;
    free(input);
    free(output);
    if (*text != NULL || (is_last && left[1] == 0 && left[0] > 0) || out > MAX) break;
  }
  mote_gzip_close(stream);
  return *text != NULL || out > MAX ? -1 : (long)out;
}

static void expect(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

int main(void) {
  static uint8_t plain[MAX], twice[MAX], coded[2 * MAX + 200], bad[2 * MAX + 200];
  const char *text;
  for (int round = 0; round < 150; round++) {
    size_t length = next(4) == 0 ? next(20) : next(MAX / 2);
    uint32_t spread = next(256) + 1;
    for (size_t i = 0; i < length; i++) plain[i] = (uint8_t)next(spread);
    long size = pass(0, plain, length, coded, &text);
    expect(size > 0 && size < MAX, "did not compress");
    expect(pass(1, coded, (size_t)size, twice, &text) == (long)length, "did not decompress");
    expect(memcmp(plain, twice, length) == 0, "came out otherwise");
    /* Two members. */
    memcpy(coded + size, coded, (size_t)size);
    expect(pass(1, coded, 2 * (size_t)size, twice, &text) == 2 * (long)length, "did not decompress twice");
    for (int kind = 0; kind < 20; kind++) {
      size_t kept = next(3) == 0 ? next((uint32_t)size) : (size_t)size;
      memcpy(bad, coded, kept);
      for (uint32_t n = next(4); n > 0 && kept > 0; n--) bad[next((uint32_t)kept)] ^= (uint8_t)(1 << next(8));
      pass(1, bad, kept, twice, &text);
    }
    expect(pass(1, coded, (size_t)size - 1, twice, &text) == -1, "a cut one was taken");
    expect(strcmp(text, "unexpected end of file") == 0, text);
  }
  return 0;
}
