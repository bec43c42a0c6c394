#if defined(__x86_64__)
#define NAME(x) x##_avx512
#define SET_NAME "avx512"
#define WIDE_REGISTERS 1
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"))), apply_to = function)
#pragma clang diagnostic ignored "-Wpsabi"  // every function that takes a vector is inlined
#include "kernels.inc"
#pragma clang attribute pop
const ck_kernels ck_kernels_avx512 = KERNEL_TABLE;
#endif
