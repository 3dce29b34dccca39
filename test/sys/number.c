/* Decimal literals by the small strtod and by libc's: the same bits, or a line on stderr and exit code 1. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define strtod small_strtod
#define strtol small_strtol
#include "../../sys/number.c"
#undef strtod
#undef strtol

static int failures;

static void check(const char *text) {
  double small = small_strtod(text, NULL), libc = strtod(text, NULL);
  if (memcmp(&small, &libc, sizeof small) == 0) return;
  fprintf(stderr, "%.80s: %a, libc %a\n", text, small, libc);
  failures++;
}

static uint64_t state = 88172645463325252u;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* A double and the middle between it and the next one, with all of their digits, and a little more or less. */
static void neighbours(double value) {
  static char text[1600];
  if (!isfinite(value)) return;
  snprintf(text, sizeof text, "%.17g", value);
  check(text);
  long double middle = ((long double)value + nextafter(value, INFINITY)) / 2;
  snprintf(text, sizeof text, "%.1100Le", middle);
  check(text);
  char *last = strchr(text, 'e') - 1;
  *last = '1';
  check(text);
  memmove(last + 1 - 330, last + 1, strlen(last + 1) + 1); /* nearly 770 digits */
  last[-330]++;
  check(text);
}

int main(void) {
  static const char *const fixed[] = {
    "0", "-0", "+0", "0.", ".5", "5.", "1", "10", "0.1", "123456789012345678901234567890", "1e23", "9007199254740993",
    "9007199254740992.99999999999999999999", "9007199254740993.00000000000000000001", "1.7976931348623157e308",
    "1.7976931348623158e308", "1.7976931348623159e308", "1e308", "1e309", "-1e400", "4.9e-324", "2.5e-324", "2.4e-324",
    "2.4703282292062327208e-324", "2.4703282292062328e-324", "2.2250738585072014e-308", "2.2250738585072011e-308", "1e-400",
    "0e999999999999", "1e999999999999", "1e-999999999999", "0.000000000000000000000000000000000000001e39", "00012.50e+1",
    "2.225073858507201136057409796709131975934819546351645648023426109724822222021076945516529523908135087914149158913039621106870086438694594645527657207407820621743379988141063267329253552286881372149012981122451451889849057222307285255133155755015914397476397983411801999323962548289017107081850690630666655994938275772572015763062690663332647565300009245888316433037779791869612049497390377829704905051080609940730262937128958950003583799967207254304360284078895771796150945516748243471030702609144621572289880258182545180325707018860872113128079512233426288368622321503775666622503982534335974568884423900265498198385487948292206894721689831099698365846814022854243330660339850886445804001034933970427567186443383770486037861622771738545623065874679014086723327636718751",
  };
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) check(fixed[i]);
  for (int i = 0; i < 500; i++) {
    uint64_t bits = next();
    double value;
    if (i % 4 == 0) bits &= 0x800fffffffffffff; /* subnormal */
    memcpy(&value, &bits, sizeof value);
    neighbours(value);
    char text[64];
    snprintf(text, sizeof text, "%s%llu.%llue%d", i % 2 ? "-" : "", (unsigned long long)(next() >> next() % 64), (unsigned long long)(next() >> next() % 64), (int)(next() % 700) - 350);
    check(text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)(next() >> next() % 64));
    check(text);
  }
  static char digits[5000]; /* as many as a number may have, and more */
  memset(digits, '9', 4300);
  strcpy(digits + 4300, "e-4200");
  check(digits);
  memset(digits, '0', 4300);
  check(digits);
  digits[1] = '.';
  strcpy(digits + 4300, "1e4200");
  check(digits);
  return failures > 0;
}
