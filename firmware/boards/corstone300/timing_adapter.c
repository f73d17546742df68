/* SPDX-License-Identifier: Apache-2.0 */
/* The timing adapters delay the NPU's memory accesses, so that cycle counts on the FVP resemble a
 * product. Results do not depend on them. */
#include <stdint.h>

#include "corstone300.h"

#if defined(UNROLL_TIMING_U55_HIGH_END) || defined(UNROLL_TIMING_U65_HIGH_END)

#ifdef UNROLL_NONSECURE
#define ADAPTER0 0x48103000u /* AXI port 0: SRAM */
#define ADAPTER1 0x48103200u /* AXI port 1: flash or DRAM */
#else
#define ADAPTER0 0x58103000u
#define ADAPTER1 0x58103200u
#endif

#define REGISTERS      11u
#define VERSION_OFFSET 0x38u
#define VERSION        0x1117u

/* MAXR, MAXW, MAXRW, RLATENCY, WLATENCY, PULSE_ON, PULSE_OFF, BWCAP, PERFCTRL, PERFCNT, MODE */
#ifdef UNROLL_TIMING_U65_HIGH_END
static const uint16_t profile0[REGISTERS] = {16, 16, 0, 32, 32, 3999, 1, 4000, 0, 0, 1};
static const uint16_t profile1[REGISTERS] = {24, 12, 0, 500, 250, 4000, 1000, 1172, 0, 0, 1};
#else
static const uint16_t profile0[REGISTERS] = {8, 8, 0, 32, 32, 3999, 1, 4000, 0, 0, 1};
static const uint16_t profile1[REGISTERS] = {2, 0, 0, 64, 0, 320, 80, 50, 0, 0, 1};
#endif

static void program(uintptr_t base, const uint16_t *profile) {
    volatile uint32_t *adapter = (volatile uint32_t *)base;

    if (adapter[VERSION_OFFSET / 4u] != VERSION) {
        return; /* no adapter here: QEMU */
    }
    for (uint32_t i = 0; i < REGISTERS; i++) {
        adapter[i] = profile[i];
    }
}

void corstone300_timing_adapters_init(void) {
    program(ADAPTER0, profile0);
    program(ADAPTER1, profile1);
}

#else

void corstone300_timing_adapters_init(void) {
}

#endif
