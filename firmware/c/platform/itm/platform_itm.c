/* SPDX-License-Identifier: Apache-2.0 */
/* Console of a board whose own no port knows: the core's instrumentation trace, which a debugger
 * shows (SWO, or the probe's viewer). Without a debugger that listens nothing is written. */
#include <stdint.h>

#include "corstone300.h"
#include "cortex_m.h"
#include "platform.h"

#define ITM_STIMULUS0 (*(volatile uint8_t *)(uintptr_t)0xE0000000u)
#define ITM_ENABLED0  CORTEX_M_REGISTER(0xE0000E00u)
#define ITM_CONTROL   CORTEX_M_REGISTER(0xE0000E80u)

void platform_init(void) {
}

void platform_puts(const char *text) {
    if ((ITM_CONTROL & 1u) == 0u || (ITM_ENABLED0 & 1u) == 0u) {
        return;
    }
    while (*text != '\0') {
        while ((ITM_STIMULUS0 & 1u) == 0u) {
        }
        ITM_STIMULUS0 = (uint8_t)*text++;
    }
}

void platform_exit(int status) {
    (void)status; /* the result line has it */
    for (;;) {
        cortex_m_wfi();
    }
}
