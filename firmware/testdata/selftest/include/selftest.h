/* SPDX-License-Identifier: Apache-2.0 */
/* A model for the driver's own test: the test's NPU adds weights[i] to input[i]. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include <stdint.h>

#include "npu_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SELFTEST_BYTES 256u

extern const unroll_npu_job selftest_job;

uint8_t *selftest_input(void);
const uint8_t *selftest_output(void);

/* What output[i] must be. */
uint8_t selftest_expected(const uint8_t *input, uint32_t i);

#ifdef __cplusplus
}
#endif

#endif
