/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NPU_FAKE_H
#define NPU_FAKE_H

#include "npu_status.h"

extern unroll_npu_status fake_result; /* what the next runs end with */
extern int fake_polls;                /* how often a run answers BUSY */
extern int fake_hardware;             /* CRC-32 unit: 0 none, 1 one that works, -1 one that finds damage */
extern int fake_asked;                /* how often it was asked */

#endif
