/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of 128 bits, most of them below the point. */
typedef struct {
    uint64_t hi;
    uint64_t lo;
} cpu_wide;
