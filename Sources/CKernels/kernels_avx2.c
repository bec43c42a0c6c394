#if defined(__x86_64__)
#define NAME(x) x##_avx2
#define SET_NAME "avx2"
#define WIDE_REGISTERS 0
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#pragma clang diagnostic ignored "-Wpsabi"  // every function that takes a vector is inlined
#include "kernels.inc"
#pragma clang attribute pop
const ck_kernels ck_kernels_avx2 = KERNEL_TABLE;
#endif
