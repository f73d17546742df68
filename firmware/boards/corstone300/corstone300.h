/* SPDX-License-Identifier: Apache-2.0 */
/* Corstone-300: what startup, console, port and the QEMU bridge share. */
#ifndef UNROLL_CORSTONE300_H
#define UNROLL_CORSTONE300_H

#include <stdint.h>

/* Not by quotes: they would find the one beside this file before that of a board which inherits. */
#include <unroll_board.h>

#define CORSTONE300_IRQ_SYSTEM_TIMER0 3u
#define CORSTONE300_IRQ_NPU           UNROLL_BOARD_NPU_IRQ
#define CORSTONE300_CORE_HZ           UNROLL_BOARD_CORE_HZ

/* Registers pushed by the fault entry, then those that the core stacked. */
struct fault_frame {
    uint32_t r4_r11[8];
    uint32_t r0_r3[4];
    uint32_t r12;
    uint32_t lr;
    uint32_t pc;
    uint32_t xpsr;
};

/* Entries of the vector table. */
void corstone300_reset(void);
void corstone300_fault(void);
void corstone300_systick(void);
void corstone300_npu(void);
void corstone300_system_timer0(void);

/* Starts the millisecond clock. */
void corstone300_clock_init(void);

/* A bus fault that is not one: non-zero when the access was emulated and the program goes on. Only
 * the QEMU build has one that does anything. */
int corstone300_emulate(struct fault_frame *frame);

/* Reports a fault on the console and ends the program with status 99. */
void corstone300_fault_report(struct fault_frame *frame);

/* Programs the timing adapters in front of the NPU's AXI ports; does nothing where there are none
 * or where the build names no profile. */
void corstone300_timing_adapters_init(void);

#endif
