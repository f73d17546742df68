/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver needs from a board. The first seven functions have no default: a project without
 * a port does not link, so cache maintenance cannot be forgotten. A port whose CPU has no data
 * cache says so by defining the two cache functions empty. The hooks after them have a default
 * each, which a port replaces by defining the function, in a file that defines one of the seven.
 */
#ifndef UNROLL_NPU_PORT_H
#define UNROLL_NPU_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct unroll_npu;

/* How this compiler marks a definition that another one replaces. */
#ifndef UNROLL_NPU_WEAK
#define UNROLL_NPU_WEAK __attribute__((weak))
#endif

/* Writes dirty lines of [address, address + bytes) to memory. bytes is never 0. */
void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes);

/* Drops lines of [address, address + bytes), which the NPU may have written. The CPU has written to
 * none of these lines since they were cleaned. */
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

/* The NPU's address of what the CPU has at address: where the two see a memory at different places,
 * such as a TCM or a secure alias. Default: the same. */
uint64_t unroll_npu_port_address(uintptr_t address);

/* Non-zero when AXI port 0 or 1 of the NPU reaches all of [address, address + bytes). Default: what
 * unroll_npu_port_reachable says. */
int unroll_npu_port_reaches(uintptr_t address, size_t bytes, uint32_t port);

/* Switches power and clock of the NPU on, before its registers are touched, and off, when it may
 * sleep. Default: nothing; they are always on, or follow the NPU's own requests. */
void unroll_npu_port_power(struct unroll_npu *npu, int on);

/* Gets the NPU for one inference, its model's arena and state with it; and gives it back. For
 * several threads: take and give a mutex. The lock may be refused, also after a time, by answering
 * 0: the caller then gets BUSY. Default: always granted, for programs of one thread. */
int unroll_npu_port_lock(struct unroll_npu *npu);
void unroll_npu_port_unlock(struct unroll_npu *npu);

/* Sleeps until the run has ended, at most remaining_ms: takes a semaphore, say, that the next hook
 * gives. May return at any time. Default: unroll_npu_port_wait. */
void unroll_npu_port_sleep(struct unroll_npu *npu, uint32_t remaining_ms);

/* Does hardware find the CRC-32 (IEEE 802.3: reflected, begun and ended with ones) of the data as
 * expected? 1: yes, 0: no, negative: not asked. Default: negative; the library then computes
 * sums by itself. */
int unroll_npu_port_intact(const void *data, size_t bytes, uint32_t crc_32);

/* Wakes who sleeps; called by unroll_npu_irq_handler, from the interrupt. Default: nothing, which
 * is right for cores that wake from WFI. */
void unroll_npu_port_wake(struct unroll_npu *npu);

#ifdef __cplusplus
}
#endif

#endif
