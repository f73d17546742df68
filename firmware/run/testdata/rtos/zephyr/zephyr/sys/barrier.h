/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ZEPHYR_SYS_BARRIER_H
#define ZEPHYR_SYS_BARRIER_H

static inline void barrier_dsync_fence_full(void) {
    __asm__ volatile("dsb 0xF" ::: "memory");
}

#endif
