/* SPDX-License-Identifier: Apache-2.0 */
/* What an application for Arm's driver needs from a board beside platform.h. */
#ifndef UNROLL_ETHOSU_BOARD_H
#define UNROLL_ETHOSU_BOARD_H

#ifdef __cplusplus
extern "C" {
#endif

struct ethosu_driver;

/* Connects the NPU's interrupt to ethosu_irq_handler(drv) and enables it; after ethosu_init. */
void ethosu_board_connect(struct ethosu_driver *drv);

#ifdef __cplusplus
}
#endif

#endif
