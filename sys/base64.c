/* Base64, RFC 4648 section 4, of bytes at an address to another. */
#include <stdint.h>
#include <stddef.h>

/* Returns how many characters that makes; is_padded: the last group is filled up with '='. */
__attribute__((optimize("O2"))) double mote_base64(double bytes, double length, double out, double is_padded) {
  static const char alphabet[64] __attribute__((nonstring)) = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *from = (const uint8_t *)(uintptr_t)bytes, *end = from + (size_t)length;
  char *start = (char *)(uintptr_t)out, *to = start;
  for (; end - from >= 3; from += 3, to += 4) {
    uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
    to[0] = alphabet[group >> 18];
    to[1] = alphabet[group >> 12 & 63];
    to[2] = alphabet[group >> 6 & 63];
    to[3] = alphabet[group & 63];
  }
  if (from < end) {
    int is_pair = end - from == 2;
    uint32_t group = (uint32_t)from[0] << 16 | (is_pair ? (uint32_t)from[1] << 8 : 0);
    *to++ = alphabet[group >> 18];
    *to++ = alphabet[group >> 12 & 63];
    if (is_pair) *to++ = alphabet[group >> 6 & 63];
    for (int missing = is_pair ? 1 : 2; is_padded != 0 && missing > 0; missing--) *to++ = '=';
  }
  return (double)(to - start);
}
