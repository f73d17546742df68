/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hooks of npu_port.h for several threads of an operating system, in a file for each system,
 * one of which goes into the application: npu_rtos_freertos.c, npu_rtos_cmsis.c (CMSIS-RTOS2;
 * Zephyr has its own port in zephyr/). Each NPU has a mutex, which a thread holds from the start of
 * a run until poll or wait has given its result, and a semaphore that the interrupt gives.
 *
 *   unroll_npu_rtos_init(&npu);              once, before unroll_npu_init
 *   unroll_npu_init(&npu, base, flags);
 *   ... any thread: NAME_run, NAME_start and NAME_wait, NAME_get_state, ...
 *
 * A run is started and waited for by the same thread. The clock of these hooks is the system's: a
 * board's unroll_npu_port_ticks must be weak, or left out, and its timer, if it is the system's,
 * must not tick before the scheduler starts. The NPU's interrupt must have a priority from which
 * the system's functions may be called: compile the board's port with UNROLL_NPU_RTOS (the CMake
 * targets unroll_npu_freertos and unroll_npu_cmsis do), or give UNROLL_NPU_IRQ_PRIORITY.
 */
#ifndef UNROLL_NPU_RTOS_H
#define UNROLL_NPU_RTOS_H

#include "npu_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many NPUs there are at most. */
#ifndef UNROLL_NPU_RTOS_MAX
#define UNROLL_NPU_RTOS_MAX 1u
#endif

/*
 * Makes mutex and semaphore of an NPU; once more does nothing. Without it the NPU is refused to
 * everybody: calls answer BUSY. OK, ERR_ARGUMENT, or ERR_STATE when there are UNROLL_NPU_RTOS_MAX
 * already or the system has no memory for them.
 */
unroll_npu_status unroll_npu_rtos_init(unroll_npu *npu);

#ifdef __cplusplus
}
#endif

#endif
