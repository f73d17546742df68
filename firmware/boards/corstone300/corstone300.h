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

#ifdef __cplusplus
extern "C" {
#endif

/* What the core stacks when an exception comes, on the main or on the process stack. */
struct exception_frame {
    uint32_t r0_r3[4];
    uint32_t r12;
    uint32_t lr;
    uint32_t pc;
    uint32_t xpsr;
};

/* All registers of the code that took a fault. */
struct fault_frame {
    uint32_t *r4_r11; /* saved by the fault entry */
    struct exception_frame *core;
};

/* Entries of the vector table. */
void corstone300_reset(void);
void corstone300_fault(void);
void corstone300_systick(void);
void corstone300_npu(void);
void corstone300_system_timer0(void);
/* An operating system has its own of these, by these names; without one they are faults, and the
 * clock of clock_corstone300.c. */
void SVC_Handler(void);
void PendSV_Handler(void);
void SysTick_Handler(void);

/* A bus fault that is not one: non-zero when the access was emulated and the program goes on. Only
 * the QEMU build has one that does anything. */
int corstone300_emulate(struct fault_frame *frame);

/* Reports a fault on the console and ends the program with status 99. Both are null for an
 * interrupt that nobody asked for. */
void corstone300_fault_report(uint32_t *r4_r11, struct exception_frame *core);

/* Programs the timing adapters in front of the NPU's AXI ports; does nothing where there are none
 * or where the build names no profile. */
void corstone300_timing_adapters_init(void);

#ifdef __cplusplus
}
#endif

#endif
