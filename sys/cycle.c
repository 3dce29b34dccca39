/*
 * The cycle collector of the compiler's runtime, and giving back what its lists have grown to: they never shrink by
 * themselves, and a burst leaves room for all that was alive at once. build.sh compiles this in place of scr_cycle.c.
 */
#include "scr_cycle.c"

static void trim(ScrVec *vec) {
  void **rest = NULL;
  if (vec->n == 0) free(vec->v);
  else if ((rest = realloc(vec->v, vec->n * sizeof *rest)) == NULL) return;
  vec->v = rest;
  vec->cap = vec->n;
}

/* Frees all that only a cycle of references keeps, and the room that this took. */
void cycle_flush(void) {
  scr_collect_cycles();
  for (size_t generation = 0; generation < SCR_CYC_NGENS; generation++) trim(&scr_roots[generation]);
  ScrVec *const others[] = {&scr_cands, &scr_promote, &scr_white, &scr_xgen};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) trim(others[i]);
}
