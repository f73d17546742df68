/* SPDX-License-Identifier: Apache-2.0 */
/* The millisecond clock of the driver's port: SysTick. It starts when somebody first asks for the
 * time: under an operating system, whose hooks have another clock, nobody does, and the timer is
 * the system's from the start. */
#include "corstone300.h"
#include "cortex_m.h"
#include "npu_port.h"

static volatile uint32_t milliseconds;

void corstone300_systick(void) {
    milliseconds = milliseconds + 1u;
}

UNROLL_NPU_WEAK uint32_t unroll_npu_port_ticks(void) {
    const uint32_t mask = cortex_m_mask();
    uint32_t now;

    if ((SYST_CSR & SYST_CSR_ENABLE) == 0u) {
        SYST_RVR = CORSTONE300_CORE_HZ / 1000u - 1u;
        SYST_CVR = 0;
        SYST_CSR = SYST_CSR_RUN;
    }
    /* With interrupts masked by the caller nobody else counts. */
    if ((SCB_ICSR & SCB_ICSR_PENDSTSET) != 0u) {
        SCB_ICSR = SCB_ICSR_PENDSTCLR;
        milliseconds = milliseconds + 1u;
    }
    now = milliseconds;
    cortex_m_restore(mask);
    return now;
}
