/* SPDX-License-Identifier: Apache-2.0 */
/* Two models in one image, and two instances of the first in one arena, taking turns. */
#include <string.h>

#include "one_golden.h"
#include "platform.h"
#include "two_golden.h"

static unroll_npu npu;
static one_context first;
static one_context second;
static two_context third;
static uint8_t first_state[ONE_STATE_BYTES];
static uint8_t second_state[ONE_STATE_BYTES];
ONE_ARENA_DEFINE(one_arena);
TWO_ARENA_DEFINE(two_arena);

static int one_call(one_context *instance, uint32_t i) {
    int8_t output[ONE_OUTPUT_SIZE];
    uint8_t state[ONE_STATE_BYTES];
    one_status status = ONE_OK;

    if (one_golden_reset[i] != 0u) {
        status = one_reset_state(instance);
    }
    if (status == ONE_OK) {
        status = one_run(instance, one_golden_input[i], output);
    }
    if (status == ONE_OK) {
        status = one_get_state(instance, state);
    }
    if (status != ONE_OK) {
        platform_puts(one_status_name(status));
        return 1;
    }
    return memcmp(output, one_golden_output[i], sizeof output) != 0 ||
           memcmp(state, one_golden_state[i], sizeof state) != 0;
}

static int two_call(uint32_t i) {
    int8_t output[TWO_OUTPUT_SIZE];
    const two_status status = two_run(&third, two_golden_input[i], output);

    if (status != TWO_OK) {
        platform_puts(two_status_name(status));
        return 1;
    }
    return memcmp(output, two_golden_output[i], sizeof output) != 0;
}

int main(void) {
    uint32_t wrong = 0;

    platform_init();
    if (unroll_npu_init(&npu, PLATFORM_NPU_BASE, PLATFORM_NPU_FLAGS) != UNROLL_NPU_OK ||
        one_init(&first, &npu, one_arena, first_state) != ONE_OK ||
        one_init(&second, &npu, one_arena, second_state) != ONE_OK ||
        two_init(&third, &npu, two_arena) != TWO_OK) {
        platform_puts("init\nRESULT: FAIL\n");
        platform_exit(10);
    }
    /* The second instance lags behind the first by a call, so that a shared state would show. */
    wrong += (uint32_t)one_call(&first, 0);
    for (uint32_t i = 0; i < ONE_GOLDEN_CALLS; i++) {
        wrong += (uint32_t)two_call(i);
        wrong += (uint32_t)one_call(&second, i);
        if (i + 1u < ONE_GOLDEN_CALLS) {
            wrong += (uint32_t)one_call(&first, i + 1u);
        }
    }
    platform_puts(wrong == 0u ? "RESULT: PASS calls=120 mismatches=" : "RESULT: FAIL mismatches=");
    platform_put_u32(wrong);
    platform_puts("\n");
    platform_exit(wrong == 0u ? 0 : 13);
}
