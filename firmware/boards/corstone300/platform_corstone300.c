/* SPDX-License-Identifier: Apache-2.0 */
/* Console (CMSDK UART 0) and end of program on Corstone-300. */
#include <stdint.h>

#include "corstone300.h"
#include "cortex_m.h"
#include "platform.h"

#ifdef UNROLL_SEMIHOSTING
#include "semihosting.h"
#endif

/* The non-secure alias is what reference software uses from both worlds. */
#define UART0_BASE          0x49303000u
#define UART_DATA           (*(volatile uint32_t *)(uintptr_t)(UART0_BASE + 0x00u))
#define UART_STATE          (*(volatile uint32_t *)(uintptr_t)(UART0_BASE + 0x04u))
#define UART_CTRL           (*(volatile uint32_t *)(uintptr_t)(UART0_BASE + 0x08u))
#define UART_BAUDDIV        (*(volatile uint32_t *)(uintptr_t)(UART0_BASE + 0x10u))
#define UART_STATE_TX_FULL  1u
#define UART_CTRL_TX_ENABLE 1u
#define UART_CLOCK_HZ       25000000u
#define UART_BAUD           115200u

static const char end_of_transmission[] = "\x04"; /* the FVP stops on it: shutdown_on_eot */

void platform_init(void) {
    UART_BAUDDIV = UART_CLOCK_HZ / UART_BAUD;
    UART_CTRL = UART_CTRL_TX_ENABLE;
    corstone300_timing_adapters_init();
}

void platform_puts(const char *text) {
    while (*text != '\0') {
        while ((UART_STATE & UART_STATE_TX_FULL) != 0u) {
        }
        UART_DATA = (uint8_t)*text++;
    }
}

void platform_exit(int status) {
    UART_CTRL = UART_CTRL_TX_ENABLE; /* a fault may come before platform_init */
    platform_puts(end_of_transmission);
#ifdef UNROLL_SEMIHOSTING
    semihosting_exit(status);
#else
    (void)status; /* nobody to tell: the result line has it */
#endif
    for (;;) {
        cortex_m_wfi();
    }
}
