/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire between a program and an NPU that is simulated by the process which started it.
 *
 * Every message is 16 bytes, little-endian: u32 op, u32 a, u64 b. The program speaks first and the
 * two never speak at once:
 *
 *   to the NPU    'H' a = protocol version | pointer bytes << 8   answered by 'H' a = version
 *                 'R' a = register offset                         answered by 'V' b = value
 *                 'W' a = register offset, b = value              not answered, except CMD:
 *   after a write to CMD the other side speaks until it says 'e':
 *                 'r' a = length, b = address                     answered by the bytes
 *                 'w' a = length, b = address, then the bytes     not answered
 *                 'e' a = interrupt level 0 or 1, b = delay in clock ticks, 0 = now, never 1
 *
 * The other side can also be the data cache of the CPU (builds with UNROLL_SHADOW_CACHE): the
 * memory that the NPU sees is then another one, and these move what a cache would move:
 *
 *   to the NPU    'C' a = length, b = address: write back   then the other side speaks, to 'e'
 *                 'I' a = length, b = address: drop         likewise
 */
#ifndef UNROLL_NPU_LINK_H
#define UNROLL_NPU_LINK_H

#include <stddef.h>
#include <stdint.h>

/* Exit codes of a program whose link is broken. */
#define NPU_LINK_EXIT_VERSION  95
#define NPU_LINK_EXIT_PROTOCOL 96
#define NPU_LINK_EXIT_READ     97
#define NPU_LINK_EXIT_WRITE    98

#ifdef __cplusplus
extern "C" {
#endif

/* What the registers at npu_mmio.h become. */
uint32_t npu_link_read_register(uint32_t offset);
void npu_link_write_register(uint32_t offset, uint32_t value);

/* Maintenance of the simulated data cache. */
void npu_link_cache_clean(uintptr_t address, size_t bytes);
void npu_link_cache_invalidate(uintptr_t address, size_t bytes);

/* Supplied by the transport. Both move all bytes or end the program. */
void npu_link_send(const void *bytes, size_t count);
void npu_link_receive(void *bytes, size_t count);

/* Supplied by the transport: the NPU's interrupt line, after a write to CMD. */
void npu_link_interrupt(uint32_t level, uint64_t delay);

/* Supplied by the transport: ends the program. */
__attribute__((noreturn)) void npu_link_fail(int status);

#ifdef __cplusplus
}
#endif

#endif
