/* Base64, RFC 4648, of bytes at an address to another. */
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

/* What a digit of either alphabet is worth, section 4 or 5; 64 and more for another character. */
static uint32_t value(uint8_t digit) {
  if ((uint8_t)((digit | 0x20) - 'a') < 26) return digit & 0x20 ? digit - 'a' + 26u : digit - 'A' + 0u;
  if ((uint8_t)(digit - '0') < 10) return digit - '0' + 52u;
  return digit == '+' || digit == '-' ? 62 : digit == '/' || digit == '_' ? 63 : 64;
}

/* Decodes digits without padding; bits left over are ignored. Returns 0 for another character. */
__attribute__((optimize("O2"))) double mote_base64_decode(double digits, double length, double out) {
  const uint8_t *from = (const uint8_t *)(uintptr_t)digits, *end = from + (size_t)length;
  uint8_t *to = (uint8_t *)(uintptr_t)out;
  uint32_t worst = 0, group = 0;
  int count = 0;
  static uint8_t table[256];
  if (table['B'] == 0)
    for (int i = 0; i < 256; i++) table[i] = (uint8_t)value((uint8_t)i);
  for (; end - from >= 4; from += 4, to += 3) {
    uint32_t a = table[from[0]], b = table[from[1]], c = table[from[2]], d = table[from[3]];
    worst |= a | b | c | d;
    group = a << 18 | b << 12 | c << 6 | d;
    to[0] = (uint8_t)(group >> 16);
    to[1] = (uint8_t)(group >> 8);
    to[2] = (uint8_t)group;
  }
  for (group = 0; from < end; from++, count++) {
    worst |= table[*from];
    group = group << 6 | (table[*from] & 63);
  }
  if (worst >= 64 || count == 1) return 0;
  if (count == 2) *to++ = (uint8_t)(group >> 4);
  if (count == 3) {
    *to++ = (uint8_t)(group >> 10);
    *to++ = (uint8_t)(group >> 2);
  }
  return 1;
}
