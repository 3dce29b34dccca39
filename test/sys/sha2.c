/* Digests of the lines of a list, "BITS LENGTH" each: bytes that count up. native.test.ts compares them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

double mote_sha2(double bits, double bytes, double length, double out);

int main(void) {
  unsigned bits, length;
  while (scanf("%u %u", &bits, &length) == 2) {
    /* Of just that size, so that a byte beyond is noticed. */
    uint8_t *bytes = malloc(length), *out = malloc(bits / 8);
    for (unsigned i = 0; i < length; i++) bytes[i] = (uint8_t)(i * 7 + length);
    mote_sha2(bits, (double)(uintptr_t)bytes, length, (double)(uintptr_t)out);
    for (unsigned i = 0; i < bits / 8; i++) printf("%02x", out[i]);
    printf("\n");
    free(bytes);
    free(out);
  }
  return 0;
}
