// The affinity mask of the calling thread, which Swift's view of the C library lacks.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "ckernels.h"

#if defined(__linux__)
#include <sched.h>

int32_t ck_get_affinity(uint64_t *words, int32_t count) {
  return sched_getaffinity(0, (size_t)count * sizeof *words, (cpu_set_t *)words) < 0 ? -1 : 0;
}

int32_t ck_set_affinity(const uint64_t *words, int32_t count) {
  return sched_setaffinity(0, (size_t)count * sizeof *words, (const cpu_set_t *)words) < 0 ? -1 : 0;
}
#else
int32_t ck_get_affinity(uint64_t *words, int32_t count) {
  (void)words, (void)count;
  return -1;
}

int32_t ck_set_affinity(const uint64_t *words, int32_t count) {
  (void)words, (void)count;
  return -1;
}
#endif
