/* SPDX-License-Identifier: Apache-2.0 */
/* Uses every function of the generated API of acc, the accumulator. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acc.h"
#include "npu_fake.h"

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: %s\n", __LINE__, #condition);                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

ACC_ARENA_DEFINE(arena);
ACC_ARENA_DEFINE(second_arena);
static unroll_npu npu;
static acc_context one, two, alone;
static uint8_t state_one[ACC_STATE_BYTES], state_two[ACC_STATE_BYTES], state[ACC_STATE_BYTES];
static int8_t input[ACC_INPUT_SIZE], output[ACC_OUTPUT_SIZE];

static int8_t after(acc_context *ctx, int8_t value) {
    memset(input, value, sizeof(input));
    EXPECT(acc_run(ctx, input, output) == ACC_OK);
    for (size_t i = 1; i < sizeof(output); i++) {
        EXPECT(output[i] == output[0]);
    }
    return output[0];
}

static void arguments(void) {
    EXPECT(acc_init(NULL, &npu, arena, NULL) == ACC_ERR_ARGUMENT);
    EXPECT(acc_init(&one, NULL, arena, NULL) == ACC_ERR_ARGUMENT);
    EXPECT(acc_init(&one, &npu, NULL, NULL) == ACC_ERR_ARGUMENT);
    EXPECT(acc_init(&one, &npu, arena + 16, NULL) == ACC_ERR_ALIGNMENT);
    /* After a failed init nothing works, and nothing crashes. */
    EXPECT(acc_run(&one, input, output) == ACC_ERR_STATE);
    EXPECT(acc_run_f32(&one, NULL, NULL) == ACC_ERR_STATE);
    EXPECT(acc_poll(&one, output) == ACC_ERR_STATE);
    EXPECT(acc_wait(&one, 1u, output) == ACC_ERR_STATE);
    EXPECT(acc_reset_state(&one) == ACC_ERR_STATE);
    EXPECT(acc_get_state(&one, state) == ACC_ERR_STATE);
    EXPECT(acc_set_state(&one, state) == ACC_ERR_STATE);
    EXPECT(acc_input_data(&one) == NULL);
    EXPECT(acc_run(NULL, input, output) == ACC_ERR_ARGUMENT);
    EXPECT(acc_poll(NULL, output) == ACC_ERR_ARGUMENT);
    EXPECT(acc_reset_state(NULL) == ACC_ERR_ARGUMENT);
}

/* Two instances with storage of their own share one arena. */
static void instances(void) {
    EXPECT(acc_init(&one, &npu, arena, state_one) == ACC_OK);
    EXPECT(acc_init(&two, &npu, arena, state_two) == ACC_OK);
    EXPECT(after(&one, 1) == 1);
    EXPECT(after(&two, 10) == 10);
    EXPECT(after(&one, 1) == 2);
    EXPECT(after(&two, 10) == 20);
    EXPECT(acc_reset_state(&one) == ACC_OK);
    EXPECT(after(&one, 1) == 1);
    EXPECT(after(&two, 10) == 30);
    EXPECT(acc_get_state(&two, state) == ACC_OK && state[3] == 30);
    memset(state, 100, sizeof(state));
    EXPECT(acc_set_state(&one, state) == ACC_OK);
    EXPECT(after(&one, 7) == 107);
    EXPECT(after(&one, 100) == 127);
    EXPECT(acc_get_state(&two, NULL) == ACC_ERR_ARGUMENT);
    EXPECT(acc_set_state(&two, NULL) == ACC_ERR_ARGUMENT);
}

/* While one runs, the other must keep its hands off the shared arena. */
static void turns(void) {
    EXPECT(acc_reset_state(&one) == ACC_OK && acc_reset_state(&two) == ACC_OK);
    memset(input, 5, sizeof(input));
    EXPECT(acc_start(&one, input) == ACC_OK);
    memset(input, 50, sizeof(input));
    EXPECT(acc_start(&two, input) == ACC_BUSY);
    EXPECT(acc_run_f32(&two, (const float[ACC_INPUT_SIZE]){0}, (float[ACC_OUTPUT_SIZE]){0}) ==
           ACC_BUSY);
    EXPECT(acc_start(&one, input) == ACC_BUSY);
    EXPECT(acc_set_state(&one, state) == ACC_BUSY && acc_reset_state(&two) == ACC_BUSY);
    EXPECT(acc_poll(&two, output) == ACC_ERR_STATE);
    EXPECT(acc_poll(&one, output) == ACC_BUSY);
    EXPECT(acc_poll(&one, output) == ACC_BUSY);
    EXPECT(acc_poll(&one, output) == ACC_OK && output[0] == 5);
    EXPECT(acc_poll(&one, output) == ACC_ERR_STATE);
    EXPECT(after(&two, 3) == 3);
    EXPECT(after(&one, 3) == 8);
}

/* An instance that has an arena for itself needs no storage. */
static void exclusive(void) {
    EXPECT(acc_init(&alone, &npu, second_arena, NULL) == ACC_OK);
    EXPECT(after(&alone, 4) == 4);
    EXPECT(after(&one, 1) == 9);
    EXPECT(after(&alone, 4) == 8);
    EXPECT(acc_get_state(&alone, state) == ACC_OK && state[0] == 8 && state[15] == 8);
    memset(state, 20, sizeof(state));
    EXPECT(acc_set_state(&alone, state) == ACC_OK);
    EXPECT(after(&alone, 1) == 21);
    EXPECT(acc_reset_state(&alone) == ACC_OK);
    EXPECT(after(&alone, 1) == 1);
    /* Without copies: fill and read the arena itself. */
    memset(acc_input_data(&alone), 2, ACC_INPUT_SIZE);
    EXPECT(acc_step(&alone, NULL, NULL) == ACC_OK && acc_output_data(&alone)[5] == 3);
}

/* A failed run gives its code, leaves outputs and state alone, and the next one works. */
static void failures(void) {
    EXPECT(acc_init(&one, &npu, arena, state_one) == ACC_OK);
    EXPECT(after(&one, 6) == 6);
    fake_result = UNROLL_NPU_ERR_TIMEOUT;
    memset(input, 1, sizeof(input));
    EXPECT(acc_run(&one, input, output) == ACC_ERR_TIMEOUT && output[0] == 6);
    fake_result = UNROLL_NPU_ERR_BUS;
    EXPECT(acc_start(&one, input) == ACC_OK && acc_wait(&one, 10u, output) == ACC_ERR_BUS);
    fake_result = UNROLL_NPU_OK;
    EXPECT(after(&one, 1) == 7);
    EXPECT(acc_verify() == ACC_OK);
    EXPECT(strcmp(acc_status_name(ACC_ERR_BUS), "ERR_BUS") == 0);
    EXPECT(strcmp(acc_status_name(ACC_ERR_MODEL), "ERR_MODEL") == 0);
    EXPECT(strcmp(acc_status_name((acc_status)31), "UNKNOWN") == 0);
}

/* Mean i/8, deviation 1/2, scale 1/16: a real x becomes 32 (x - i/8). */
static void reals(void) {
    float x[ACC_INPUT_SIZE], y[ACC_OUTPUT_SIZE];
    for (int i = 0; i < 16; i++) {
        x[i] = (float)i / 8 + (float)(i - 8) / 32;
    }
    acc_quantize_input(x, input);
    for (int i = 0; i < 16; i++) {
        EXPECT(input[i] == i - 8);
    }
    x[0] = 1.5f / 32; /* ties go away from zero */
    x[1] = 1.0f / 8 - 1.5f / 32;
    x[2] = 2.0f / 8 + 0.49f / 32;
    x[3] = 1e30f;
    x[4] = -1e30f;
    x[5] = NAN;
    x[6] = INFINITY;
    x[7] = 7.0f / 8 - 0.49f / 32;
    acc_quantize_input(x, input);
    const int8_t want[] = {2, -2, 0, 127, -128, -128, 127, 0};
    EXPECT(memcmp(input, want, sizeof(want)) == 0);
    EXPECT(acc_reset_state(&one) == ACC_OK);
    EXPECT(acc_step_f32(&one, x, y) == ACC_OK);
    EXPECT(y[0] == 0.125f && y[3] == 127 * 0.0625f && y[4] == -8.0f);
    EXPECT(acc_run_f32(&one, NULL, y) == ACC_ERR_ARGUMENT);
}

/* A saved state goes back into its own model only. */
static void saved(void) {
    static uint8_t data[ACC_SAVED_STATE_BYTES + 1u];
    uint8_t before[ACC_STATE_BYTES];

    memset(state, 42, sizeof(state));
    EXPECT(acc_set_state(&one, state) == ACC_OK);
    EXPECT(acc_save_state(&one, data + 1, ACC_SAVED_STATE_BYTES) == ACC_OK); /* any alignment */
    EXPECT(acc_save_state(&one, data, ACC_SAVED_STATE_BYTES - 1u) == ACC_ERR_ARGUMENT);
    EXPECT(acc_save_state(&one, NULL, ACC_SAVED_STATE_BYTES) == ACC_ERR_ARGUMENT);
    EXPECT(acc_save_state(NULL, data, ACC_SAVED_STATE_BYTES) == ACC_ERR_ARGUMENT);
    EXPECT(acc_reset_state(&one) == ACC_OK);
    EXPECT(acc_load_state(&one, data + 1, ACC_SAVED_STATE_BYTES) == ACC_OK);
    EXPECT(acc_get_state(&one, before) == ACC_OK && memcmp(before, state, sizeof(state)) == 0);
    EXPECT(acc_reset_state(&one) == ACC_OK && acc_get_state(&one, before) == ACC_OK);
    for (size_t i = 1; i <= 24u; i++) {
        data[i] ^= 1u;
        EXPECT(acc_load_state(&one, data + 1, ACC_SAVED_STATE_BYTES) ==
               (i <= 8u ? ACC_ERR_MODEL : ACC_ERR_OTHER_MODEL));
        data[i] ^= 1u;
    }
    EXPECT(acc_load_state(&one, data + 1, ACC_SAVED_STATE_BYTES - 1u) == ACC_ERR_MODEL);
    EXPECT(acc_load_state(&one, NULL, ACC_SAVED_STATE_BYTES) == ACC_ERR_ARGUMENT);
    EXPECT(acc_get_state(&one, state) == ACC_OK && memcmp(before, state, sizeof(state)) == 0);
    EXPECT(strcmp(acc_status_name(ACC_ERR_OTHER_MODEL), "ERR_OTHER_MODEL") == 0);
}

/* Hardware that computes CRC-32 is believed, and asked for stream and constants. */
static void hardware(void) {
    fake_asked = 0;
    fake_hardware = 1;
    EXPECT(acc_verify() == ACC_OK && fake_asked == 2);
    fake_hardware = -1;
    EXPECT(acc_verify() == ACC_ERR_MODEL);
    fake_hardware = 0;
    EXPECT(acc_verify() == ACC_OK);
}

static void classes(void) {
    memset(output, -5, sizeof(output));
    output[4] = output[9] = 3;
    EXPECT(acc_class(output) == 4u);
    EXPECT(strcmp(acc_class_name(4u), "e") == 0 && strcmp(acc_class_name(16u), "?") == 0);
}

int main(void) {
    arguments();
    instances();
    turns();
    exclusive();
    failures();
    reals();
    saved();
    hardware();
    classes();
    puts("passed");
    return 0;
}
