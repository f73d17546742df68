/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that touches NPU registers: 32-bit accesses at a byte offset. */
#ifndef UNROLL_NPU_MMIO_H
#define UNROLL_NPU_MMIO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef NPU_MMIO_EXTERN

/* The registers are behind a link: the port supplies both. */
uint32_t unroll_npu_mmio_read(uintptr_t base, uint32_t offset);
void unroll_npu_mmio_write(uintptr_t base, uint32_t offset, uint32_t value);

#else

static inline uint32_t unroll_npu_mmio_read(uintptr_t base, uint32_t offset) {
    return *(const volatile uint32_t *)(base + offset);
}

static inline void unroll_npu_mmio_write(uintptr_t base, uint32_t offset, uint32_t value) {
    *(volatile uint32_t *)(base + offset) = value;
}

#endif

#ifdef __cplusplus
}
#endif

#endif
