/*
 * Text to number in place of libc's: its strtod works in long double, has hexadecimal and names of infinities, and is 7 kB;
 * on aarch64, where long double is software, more. The runtime hands over nothing but decimal literals that it has
 * checked. Linked into the static binaries only.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* strtol(3) in base 10 without blanks; what is too large stays at some large number. */
long strtol(const char *restrict text, char **restrict end, int base) {
  long value = 0;
  int is_negative = *text == '-';
  if (end != NULL || base != 10) abort();
  if (*text == '-' || *text == '+') text++;
  for (; *text >= '0' && *text <= '9'; text++) if (value < 100000000) value = value * 10 + (*text - '0');
  return is_negative ? -value : value;
}

/* 800 digits tell any decimal from the middle of two doubles; what comes after them is only zero or not. */
#define DIGITS 800
/* The least double is 5e-324: the digits, times 2 for each division by 10 with some bits to spare. */
#define WORDS 232

struct big { uint32_t word[WORDS]; int words; };

static void multiply(struct big *n, uint32_t by, uint32_t plus) {
  uint64_t carry = plus;
  for (int i = 0; i < n->words; i++) {
    carry += (uint64_t)n->word[i] * by;
    n->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) n->word[n->words++] = (uint32_t)carry;
}

/* Divides, and says whether anything remains. */
static int divide(struct big *n, uint32_t by) {
  uint64_t rest = 0;
  for (int i = n->words - 1; i >= 0; i--) {
    rest = rest << 32 | n->word[i];
    n->word[i] = (uint32_t)(rest / by);
    rest %= by;
  }
  while (n->words > 0 && n->word[n->words - 1] == 0) n->words--;
  return rest != 0;
}

static int bit(const struct big *n, int at) { return n->word[at / 32] >> at % 32 & 1; }

/*
 * strtod(3) for a decimal literal, ES StringNumericLiteral's: rounded to nearest, ties to even. `end` is not supported
 * and must be NULL.
 */
double strtod(const char *restrict text, char **restrict end) {
  struct big n = {.words = 0};
  int digits = 0, is_inexact = 0, is_fraction = 0, is_negative = *text == '-';
  long exponent = 0;
  if (end != NULL) abort();
  if (*text == '-' || *text == '+') text++;
  for (; (*text >= '0' && *text <= '9') || *text == '.'; text++) {
    if (*text == '.') {
      is_fraction = 1;
      continue;
    }
    if (digits < DIGITS) multiply(&n, 10, (uint32_t)(*text - '0'));
    else is_inexact |= *text != '0';
    if (n.words > 0) digits++;
    exponent += (digits > DIGITS) - is_fraction;
  }
  if (*text == 'e' || *text == 'E') exponent += strtol(text + 1, NULL, 10);
  uint64_t bits = 0;
  long magnitude = exponent + (digits < DIGITS ? digits : DIGITS);
  if (n.words > 0 && magnitude > 310) {
    bits = 0x7ff0000000000000;
  } else if (n.words > 0 && magnitude > -326) {
    int scale = 0; /* the number is n / 2^scale */
    for (; exponent > 0; exponent--) multiply(&n, 10, 0);
    if (exponent < 0) {
      /* Each division by 10 takes less than 4 bits; 64 stay. */
      int shift = (int)(-exponent / 8) + 3;
      memmove(n.word + shift, n.word, (size_t)n.words * sizeof *n.word);
      memset(n.word, 0, (size_t)shift * sizeof *n.word);
      n.words += shift;
      scale = shift * 32;
      for (; exponent < 0; exponent++) is_inexact |= divide(&n, 10);
    }
    int length = n.words * 32;
    while (!bit(&n, length - 1)) length--;
    int power = length - scale; /* the number is below 2^power, at least half of it */
    int precision = power < -1021 ? power + 1074 : 53;
    if (precision >= 0) {
      int from = length - precision; /* the lowest bit that stays */
      for (int i = length - 1; i >= from; i--) bits = bits << 1 | (i < 0 ? 0 : (uint64_t)bit(&n, i));
      for (int i = from - 2; i >= 0 && !is_inexact; i--) is_inexact = bit(&n, i);
      if (precision == 53) bits += (uint64_t)(power + 1021) << 52;
      if (from > 0 && bit(&n, from - 1) && (is_inexact || bits & 1)) bits++;
      if (power > 1024 || bits > 0x7ff0000000000000) bits = 0x7ff0000000000000;
    }
  }
  bits |= (uint64_t)is_negative << 63;
  double result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
