/* SPDX-License-Identifier: Apache-2.0 */
/* The little an application needs from the machine it runs on: a board or a PC. */
#ifndef UNROLL_PLATFORM_H
#define UNROLL_PLATFORM_H

#include <stdint.h>

#include "npu_driver.h"
#include <unroll_board.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Arguments for unroll_npu_init. The build may set another base; a PC ignores it. */
#ifndef PLATFORM_NPU_BASE
#define PLATFORM_NPU_BASE UNROLL_BOARD_NPU_BASE
#endif

#ifdef UNROLL_NONSECURE
#define PLATFORM_NPU_FLAGS (UNROLL_NPU_PRIVILEGED | UNROLL_NPU_NONSECURE | UNROLL_NPU_COUNT_CYCLES)
#else
#define PLATFORM_NPU_FLAGS (UNROLL_NPU_PRIVILEGED | UNROLL_NPU_COUNT_CYCLES)
#endif

/* Console, clock, and what else the machine wants before use. Call it first in main. */
void platform_init(void);

/* Writes text to the console (UART0, or stderr of a PC). */
void platform_puts(const char *text);

/* Writes a number in decimal, without stdio. */
void platform_put_u32(uint32_t value);

/* Writes a number as 0x and eight hexadecimal digits. */
void platform_put_hex(uint32_t value);

/* Ends the program: 0 passed, 10-19 failed (the application's own meaning). Never returns. */
#if defined(__GNUC__) || defined(__clang__)
__attribute__((noreturn))
#endif
void platform_exit(int status);

#ifdef __cplusplus
}
#endif

#endif
