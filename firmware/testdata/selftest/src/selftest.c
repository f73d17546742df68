/* SPDX-License-Identifier: Apache-2.0 */
#include "selftest.h"

#include "npu_placement.h"

/* 16 words that no Ethos-U would run; the test's NPU compares them. */
_Alignas(16) UNROLL_NPU_MODEL static const uint32_t commands[16] = {
    0x53454C46u, 1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u, 0xFFFF0000u};

_Alignas(16) UNROLL_NPU_MODEL static const uint8_t weights[SELFTEST_BYTES] = {
    3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5};

_Alignas(32) UNROLL_NPU_ARENA static uint8_t arena[2u * SELFTEST_BYTES];

static const unroll_npu_region regions[2] = {
    {weights, sizeof weights, UNROLL_NPU_AXI1_COUNTER3, UNROLL_NPU_READ_ONLY},
    {arena, sizeof arena, UNROLL_NPU_AXI0_COUNTER1, UNROLL_NPU_READ_WRITE},
};

const unroll_npu_job selftest_job = {
    commands, sizeof commands, regions, 2, UNROLL_NPU_AXI1_COUNTER2, 0x00001807u, 0x10060000u,
};

uint8_t *selftest_input(void) {
    return arena;
}

const uint8_t *selftest_output(void) {
    return arena + SELFTEST_BYTES;
}

uint8_t selftest_expected(const uint8_t *input, uint32_t i) {
    return (uint8_t)(input[i] + weights[i]);
}
