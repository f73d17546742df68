/*
 * What the driver needs from a board. None of these has a default: a project without a port does
 * not link, so cache maintenance cannot be forgotten. A port whose CPU has no data cache says so
 * by defining the two cache functions empty.
 */
#ifndef UNROLL_NPU_PORT_H
#define UNROLL_NPU_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct unroll_npu;

/* Writes dirty lines of [address, address + bytes) to memory. bytes is never 0. */
void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes);

/* Drops lines of [address, address + bytes), which the NPU may have written. The driver cleans
 * the same range before each run, so lines shared at the edges hold no dirty data of the run. */
void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes);

/* Completes all earlier memory accesses before any later one (DSB on Cortex-M). */
void unroll_npu_port_barrier(void);

/* Non-zero when the NPU can reach all of [address, address + bytes). */
int unroll_npu_port_reachable(uintptr_t address, size_t bytes);

/* A free running millisecond counter that wraps at 2^32. It must advance, if only by one per call,
 * also with interrupts masked; and whatever drives it must wake unroll_npu_port_wait. */
uint32_t unroll_npu_port_ticks(void);

/* Sleeps until an interrupt, the clock included. Must return at once when *done is not 0 and must
 * not lose an interrupt that comes between that test and the sleep. May return at any time. */
void unroll_npu_port_wait(const volatile uint32_t *done);

/* Routes the NPU's interrupt to unroll_npu_irq_handler(npu) and enables it. */
void unroll_npu_port_irq_enable(struct unroll_npu *npu);

#ifdef __cplusplus
}
#endif

#endif
