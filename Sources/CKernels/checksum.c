// CRC-32C by the processor's own instruction, where it has one.
#include "ckernels.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <string.h>

int32_t ck_has_crc32c(void) { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) uint32_t ck_crc32c(uint32_t state, const uint8_t *bytes, int64_t count) {
  uint64_t crc = state;
  for (; count >= 8; count -= 8, bytes += 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  uint32_t rest = (uint32_t)crc;
  for (; count > 0; count--, bytes++) rest = _mm_crc32_u8(rest, *bytes);
  return rest;
}
#else
int32_t ck_has_crc32c(void) { return 0; }

uint32_t ck_crc32c(uint32_t state, const uint8_t *bytes, int64_t count) {
  (void)bytes, (void)count;
  return state;
}
#endif
