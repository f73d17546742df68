/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "npu_mmio.h"
#include "platform.h"
#include "selftest.h"
#ifdef SELFTEST_RTOS
#include "npu_rtos.h"
#endif

/* The test's NPU says what to do in registers that a real one leaves to software: in LOCK flags of
 * the driver to add, in DEBUG_MISC a task above bit 28 and below it how often. The tasks are calls
 * that must succeed; rounds of init, check and run, whose results are printed for the test to
 * compare with the faults it made; and two ways to break down. */

#define NPU_LOCK       0x02Cu
#define NPU_DEBUG_MISC 0x148u

#define TASK_SHIFT          28u
#define TASK_ROUNDS         1u
#define TASK_OVERFLOW_STACK 2u
#define TASK_READ_NOTHING   3u

#define TIMEOUT_MS 50u

static unroll_npu npu;
static uint32_t flags;

static int step(const char *name, unroll_npu_status status) {
    platform_puts(" ");
    platform_puts(name);
    platform_puts("=");
    platform_puts(unroll_npu_status_name(status));
    return status == UNROLL_NPU_OK;
}

static void rounds(uint32_t count) {
    for (uint32_t n = 0; n < count; n++) {
        platform_put_u32(n);
        platform_puts(":");
        if (step("init", unroll_npu_init(&npu, PLATFORM_NPU_BASE, flags)) &&
            step("check", unroll_npu_check(&npu, &selftest_job))) {
            const unroll_npu_status status = unroll_npu_run(&npu, &selftest_job, TIMEOUT_MS);

            step("run", status);
            if (status != UNROLL_NPU_OK) {
                platform_puts(" qread=");
                platform_put_u32(npu.qread);
                step("again", unroll_npu_run(&npu, &selftest_job, TIMEOUT_MS));
            }
        }
        platform_puts("\n");
    }
}

static uint32_t compare(void) {
    uint32_t wrong = 0;

    for (uint32_t i = 0; i < SELFTEST_BYTES; i++) {
        if (selftest_output()[i] != selftest_expected(selftest_input(), i)) {
            wrong = 1;
        }
    }
    return wrong;
}

static int fail(const char *what, unroll_npu_status status) {
    platform_puts(what);
    platform_puts(": ");
    platform_puts(unroll_npu_status_name(status));
    platform_puts(": ");
    platform_puts(unroll_npu_strerror(status));
    platform_puts("\nRESULT: FAIL\n");
    return 10;
}

static int calls(uint32_t count) {
    uint32_t wrong = 0;
    unroll_npu_status status = unroll_npu_init(&npu, PLATFORM_NPU_BASE, flags);

    if (status != UNROLL_NPU_OK) {
        return fail("init", status);
    }
    status = unroll_npu_check(&npu, &selftest_job);
    if (status != UNROLL_NPU_OK) {
        return fail("check", status);
    }
    for (uint32_t n = 0; n < count; n++) {
        for (uint32_t i = 0; i < SELFTEST_BYTES; i++) {
            selftest_input()[i] = (uint8_t)(n * 7u + i);
        }
        status = unroll_npu_run(&npu, &selftest_job, 5000);
        if (status != UNROLL_NPU_OK) {
            return fail("run", status);
        }
        wrong += compare();
    }
    platform_puts(wrong == 0u ? "RESULT: PASS calls=" : "RESULT: FAIL calls=");
    platform_put_u32(count);
    platform_puts(" mismatches=");
    platform_put_u32(wrong);
    platform_puts(" cycles=");
    platform_put_u32((uint32_t)unroll_npu_cycles(&npu));
    platform_puts("\n");
    return wrong == 0u ? 0 : 10;
}

#if defined(__arm__) && !defined(NPU_MMIO_EXTERN)

/* Stores and loads base pointers by every instruction that the bridge must decode, through low and
 * high registers, and looks at what the instruction leaves in its base register. */
static uint32_t encodings(void) {
    const uint32_t base = PLATFORM_NPU_BASE + 0x80u; /* BASEP0 */
    uint32_t at = base;
    uint32_t wrong = 0;
    uint32_t got;

    __asm__ volatile("movs r4, #17          \n\t"
                     "str.n r4, [%1, #4]    \n\t"
                     "movs r4, #4           \n\t"
                     "ldr.n %0, [%1, r4]    \n\t"
                     : "=&l"(got)
                     : "l"(base)
                     : "r4", "cc", "memory");
    wrong |= (uint32_t)(got != 17u) << 0;
    __asm__ volatile("mov r8, #18           \n\t"
                     "movs r4, #8           \n\t"
                     "str.w r8, [%1, r4]    \n\t"
                     "movs r4, #2           \n\t"
                     "ldr.w r12, [%1, r4, lsl #2] \n\t"
                     "mov %0, r12           \n\t"
                     : "=&l"(got)
                     : "l"(base)
                     : "r4", "r8", "r12", "cc", "memory");
    wrong |= (uint32_t)(got != 18u) << 1;
    __asm__ volatile("mov lr, #19           \n\t"
                     "str.w lr, [%1, #12]   \n\t"
                     "add r4, %1, #16       \n\t"
                     "ldr %0, [r4, #-4]     \n\t"
                     : "=&r"(got)
                     : "r"(base)
                     : "r4", "lr", "cc", "memory");
    wrong |= (uint32_t)(got != 19u) << 2;
    __asm__ volatile("mov r4, #20           \n\t"
                     "str.w r4, [%0], #8    \n\t"
                     "mov r4, #21           \n\t"
                     "str.w r4, [%0, #8]!   \n\t"
                     : "+r"(at)
                     :
                     : "r4", "cc", "memory");
    wrong |= (uint32_t)(at != base + 16u) << 3;
    __asm__ volatile("ldr.w %0, [%1], #-16  \n\t" : "=&r"(got), "+r"(at) : : "memory");
    wrong |= (uint32_t)(got != 21u || at != base) << 4;
    at += 8u;
    __asm__ volatile("ldr.w %0, [%1, #-8]!  \n\t" : "=&r"(got), "+r"(at) : : "memory");
    wrong |= (uint32_t)(got != 20u || at != base) << 5;
    return wrong;
}

#else

static uint32_t encodings(void) {
    return 0;
}

#endif

/* Eats the stack, in a way that no compiler turns into a loop. */
static uint32_t sink(uint32_t depth) {
    volatile uint32_t frame[64];

    frame[depth % 64u] = depth;
    if (depth == 0u) {
        return 0;
    }
    return sink(depth - 1u) + frame[depth % 64u];
}

int main(void) {
    uint32_t what;
    uint32_t count;

    platform_init();
#ifdef SELFTEST_RTOS
    if (unroll_npu_rtos_init(&npu) != UNROLL_NPU_OK) {
        platform_exit(14);
    }
#endif
    what = encodings();
    if (what != 0u) {
        platform_puts("encodings wrong: ");
        platform_put_u32(what);
        platform_puts("\n");
        platform_exit(11);
    }
    flags = PLATFORM_NPU_FLAGS | unroll_npu_mmio_read(PLATFORM_NPU_BASE, NPU_LOCK);
    what = unroll_npu_mmio_read(PLATFORM_NPU_BASE, NPU_DEBUG_MISC);
    count = what & ((1u << TASK_SHIFT) - 1u);
    what >>= TASK_SHIFT;
    if (what == TASK_OVERFLOW_STACK) {
        platform_put_u32(sink(10000));
    }
    if (what == TASK_READ_NOTHING) {
        platform_put_u32(*(const volatile uint32_t *)(uintptr_t)0x58200000u);
    }
    if (what == TASK_ROUNDS) {
        rounds(count);
        platform_puts("RESULT: PASS\n");
        platform_exit(0);
    }
    platform_exit(calls(count));
}
