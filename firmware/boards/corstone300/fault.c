/* SPDX-License-Identifier: Apache-2.0 */
/* The last words of a program that cannot go on. */
#include "corstone300.h"

#include <stddef.h>

#include "cortex_m.h"
#include "platform.h"

#define EXIT_FAULT 99

__attribute__((weak)) int corstone300_emulate(struct fault_frame *frame) {
    (void)frame;
    return 0;
}

static void put_register(const char *name, uint32_t value) {
    char text[9];

    for (uint32_t i = 0; i < 8u; i++) {
        text[i] = "0123456789ABCDEF"[(value >> (28u - 4u * i)) & 0xFu];
    }
    text[8] = '\0';
    platform_puts(name);
    platform_puts("=0x");
    platform_puts(text);
}

/* Called from assembly alone, which link-time optimization does not see. */
__attribute__((used)) void corstone300_fault_report(uint32_t *r4_r11,
                                                    struct exception_frame *core) {
    struct fault_frame frame = {r4_r11, core};
    const uint32_t overflow = 0x00100000u; /* STKOF: the frame was not written */
    uint32_t ipsr;

    if (core != NULL && corstone300_emulate(&frame) != 0) {
        return;
    }
    __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
    put_register("\nFAULT: IPSR", ipsr);
    put_register(" CFSR", SCB_CFSR);
    put_register(" HFSR", SCB_HFSR);
    put_register(" MMFAR", SCB_MMFAR);
    put_register(" BFAR", SCB_BFAR);
    put_register(" SFSR", SCB_SFSR);
    put_register(" SFAR", SCB_SFAR);
    if (core != NULL && (SCB_CFSR & overflow) == 0u) {
        put_register(" PC", core->pc);
        put_register(" LR", core->lr);
    }
    platform_puts("\n");
    platform_exit(EXIT_FAULT);
}
