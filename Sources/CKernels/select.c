// Chooses instruction sets by what the processor has.
#include "ckernels.h"

extern const ck_kernels ck_kernels_baseline;
#if defined(__x86_64__)
extern const ck_kernels ck_kernels_avx2;
extern const ck_kernels ck_kernels_avx512;
static int has_avx512(void) { return __builtin_cpu_supports("x86-64-v4"); }
static int has_avx2(void) { return __builtin_cpu_supports("x86-64-v3"); }
#endif

static int32_t list(const ck_kernels *found[3]) {
  int32_t count = 0;
#if defined(__x86_64__)
  if (has_avx512()) found[count++] = &ck_kernels_avx512;
  if (has_avx2()) found[count++] = &ck_kernels_avx2;
#endif
  found[count++] = &ck_kernels_baseline;
  return count;
}

int32_t ck_available(void) {
  const ck_kernels *found[3];
  return list(found);
}

const ck_kernels *ck_get(int32_t index) {
  const ck_kernels *found[3];
  int32_t count = list(found);
  return index >= 0 && index < count ? found[index] : 0;
}
