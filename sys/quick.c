/*
 * Short cuts in front of libm for the numbers that programs are made of. The compiler's runtime turns every operand of a
 * bitwise operator into 32 bits by trunc(3) and fmod(3), which take some 60 instructions in musl; nearly always the value
 * is small and nothing is to be done. build.sh compiles the program and the runtime to call these; static binaries only.
 */
#include <math.h>

double quick_trunc(double x) {
  /* The sign of a zero stays. */
  if (fabs(x) < 2147483648.0) return copysign((double)(int)x, x);
  return trunc(x);
}

double quick_fmod(double x, double y) {
  if (fabs(x) < y) return x;
  return fmod(x, y);
}
