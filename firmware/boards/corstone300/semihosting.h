/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the debugger or emulator behind the core. Only in builds for QEMU: on hardware without
 * a debugger the breakpoint is a fault. */
#ifndef UNROLL_SEMIHOSTING_H
#define UNROLL_SEMIHOSTING_H

#include <stdint.h>

#define SEMIHOSTING_OPEN             0x01u
#define SEMIHOSTING_WRITE            0x05u
#define SEMIHOSTING_READ             0x06u
#define SEMIHOSTING_EXIT_EXTENDED    0x20u
#define SEMIHOSTING_APPLICATION_EXIT 0x20026u

static inline uint32_t semihosting_call(uint32_t operation, const uint32_t *block) {
    register uint32_t r0 __asm__("r0") = operation;
    register const uint32_t *r1 __asm__("r1") = block;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static inline void semihosting_exit(int status) {
    uint32_t block[2];

    block[0] = SEMIHOSTING_APPLICATION_EXIT;
    block[1] = (uint32_t)status;
    (void)semihosting_call(SEMIHOSTING_EXIT_EXTENDED, block);
}

#endif
