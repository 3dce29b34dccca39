/* A system call without libc: the instruction itself, so that no page but the caller's is in use around it. */
#pragma once

__attribute__((always_inline)) static inline long bare_syscall(long number, const void *a, unsigned long b, const void *c, const void *d) {
#if defined(__x86_64__)
  register const void *r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return number;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register const void *x0 __asm__("x0") = a;
  register unsigned long x1 __asm__("x1") = b;
  register const void *x2 __asm__("x2") = c;
  register const void *x3 __asm__("x3") = d;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return (long)x0;
#endif
}
