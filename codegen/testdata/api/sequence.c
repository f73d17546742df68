/* SPDX-License-Identifier: Apache-2.0 */
/* Uses the generated API of seq, a run of three steps between a load and a head, over a driver
 * without an NPU: state' = state + input at every step, output = 2 state at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu_port.h"
#include "seq.h"
#include "seq_model.h"

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: %s\n", __LINE__, #condition);                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static int polls = 1;          /* BUSY answers before a stream ends */
static unsigned starts;        /* since the last reset of the count */
static unsigned bad_end;       /* the start, from 1, whose stream ends badly; 0 for none */
static unsigned bad_start;     /* the start that fails itself */
static uint32_t clock_ms, step_ms; /* the clock, and what a stream takes */
static uint32_t limits[8];     /* what each wait was given */
static unsigned checks;
static int left;

/* The lock of a program with several threads, which is refused while it is taken. */
static int locked;

int unroll_npu_port_lock(struct unroll_npu *npu) {
    (void)npu;
    if (locked != 0) {
        return 0;
    }
    locked = 1;
    return 1;
}

void unroll_npu_port_unlock(struct unroll_npu *npu) {
    (void)npu;
    if (locked == 0) {
        abort(); /* given back twice */
    }
    locked = 0;
}

void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) {
    (void)address;
    (void)bytes;
}

void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) {
    (void)address;
    (void)bytes;
}

/* Between hold and release every stream of a run is started. */
static int held;

void unroll_npu_hold(unroll_npu *npu) {
    (void)npu;
    held = 1;
}

void unroll_npu_release(unroll_npu *npu) {
    (void)npu;
    held = 0;
}

int unroll_npu_port_intact(const void *data, size_t bytes, uint32_t crc_32) {
    (void)data;
    (void)bytes;
    (void)crc_32;
    return -1;
}

uint32_t unroll_npu_port_ticks(void) {
    return clock_ms;
}

uint64_t unroll_npu_cycles(const unroll_npu *npu) {
    (void)npu;
    return 100u;
}

unroll_npu_status unroll_npu_check(const unroll_npu *npu, const unroll_npu_job *job) {
    (void)npu;
    checks++;
    return job->config == SEQ_CONFIG && job->id == SEQ_ARCH && job->region_count == 4u
               ? UNROLL_NPU_OK
               : UNROLL_NPU_ERR_ACCELERATOR;
}

unroll_npu_status unroll_npu_start(unroll_npu *npu, const unroll_npu_job *job) {
    if (held == 0) {
        abort();
    }
    if (npu->job != NULL) {
        return UNROLL_NPU_BUSY;
    }
    if (++starts == bad_start) {
        return UNROLL_NPU_ERR_RESET;
    }
    npu->job = job;
    left = polls;
    return UNROLL_NPU_OK;
}

static int8_t saturated(int value) {
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

unroll_npu_status unroll_npu_poll(unroll_npu *npu) {
    if (npu->job == NULL) {
        return UNROLL_NPU_ERR_STATE;
    }
    if (left-- > 0) {
        return UNROLL_NPU_BUSY;
    }
    const unroll_npu_job *job = npu->job;
    uint8_t *at[4];
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t *)(uintptr_t)job->regions[i].address;
    }
    npu->job = NULL;
    clock_ms += step_ms;
    if (starts == bad_end) {
        return UNROLL_NPU_ERR_BUS;
    }
    if (job->commands == seq_commands_load) {
        EXPECT(job->command_bytes == SEQ_LOAD_COMMAND_BYTES && job->regions[0].bytes == 32u);
        EXPECT(job->regions[0].access == UNROLL_NPU_READ_ONLY);
        memcpy(at[1], at[0], 32u);
    } else if (job->commands == seq_commands_step) {
        EXPECT(memcmp(at[0], seq_constants, 32u) == 0 && job->regions[2].bytes == 0u);
        for (int i = 0; i < 10; i++) {
            at[1][i] = (uint8_t)saturated((int8_t)at[1][i] + (int8_t)at[3][i]);
        }
        memset(at[1] + 16, 99, 16u);
    } else {
        EXPECT(job->commands == seq_commands_head && at[0] == NULL);
        for (int i = 0; i < 10; i++) {
            at[1][i] = (uint8_t)saturated(2 * (int8_t)at[3][i]);
        }
        memset(at[1] + 10, 99, 22u);
    }
    return UNROLL_NPU_OK;
}

unroll_npu_status unroll_npu_wait(unroll_npu *npu, uint32_t timeout_ms) {
    limits[(starts - 1u) % 8u] = timeout_ms;
    if (timeout_ms < step_ms) {
        npu->job = NULL;
        return UNROLL_NPU_ERR_TIMEOUT;
    }
    left = 0;
    return unroll_npu_poll(npu);
}

SEQ_ARENA_DEFINE(arena);
static unroll_npu npu;
static seq_context one, two;
static uint8_t state_one[SEQ_STATE_BYTES], state_two[SEQ_STATE_BYTES], state[SEQ_STATE_BYTES];
static int8_t input[SEQ_INPUT_SIZE], output[SEQ_OUTPUT_SIZE];

/* Step t of the input holds a + t everywhere, so that a run adds 3 a + 3 to the state. */
static void fill(int8_t a) {
    for (int i = 0; i < (int)sizeof(input); i++) {
        input[i] = (int8_t)(a + i / 10);
    }
}

static int all(const void *values, int8_t want) {
    for (int i = 0; i < 10; i++) {
        if (((const int8_t *)values)[i] != want) {
            return 0;
        }
    }
    return 1;
}

static void blocking(void) {
    EXPECT(seq_init(&one, &npu, arena, state_one) == SEQ_OK);
    EXPECT(seq_init(&two, &npu, arena, state_two) == SEQ_OK);
    EXPECT(checks == 8u); /* load, two ends of step, head; twice */
    fill(1);
    EXPECT(seq_run(&one, input, output) == SEQ_OK && starts == 5u && all(output, 12));
    EXPECT(seq_cycles(&one) == 500u && seq_cycles(&two) == 0u && seq_cycles(NULL) == 0u);
    fill(2);
    EXPECT(seq_run(&two, input, output) == SEQ_OK && all(output, 18));
    EXPECT(seq_run(&one, input, output) == SEQ_OK && all(output, 30));
    EXPECT(seq_get_state(&one, state) == SEQ_OK && all(state, 15));
    /* In place: rows together, as in a call with a pointer. */
    memcpy(seq_input_data(&one), input, sizeof(input));
    EXPECT(seq_run(&one, NULL, NULL) == SEQ_OK && all(seq_output_data(&one), 48));
    EXPECT(seq_reset_state(&one) == SEQ_OK);
    float x[SEQ_INPUT_SIZE], y[SEQ_OUTPUT_SIZE];
    for (int i = 0; i < (int)SEQ_INPUT_SIZE; i++) {
        x[i] = 0.5f + 0.25f * 0.0625f * (float)(2 + i / 10); /* 2 + t */
    }
    EXPECT(seq_run_f32(&one, x, y) == SEQ_OK && y[0] == 18 * 0.0625f && y[9] == 18 * 0.0625f);
}

/* Every stream of the run is BUSY as often as the driver says; the last answer is OK. */
static void polling(void) {
    for (polls = 0; polls < 3; polls++) {
        EXPECT(seq_reset_state(&one) == SEQ_OK);
        fill(1);
        starts = 0;
        EXPECT(seq_start(&one, input) == SEQ_OK && starts == 1u);
        memset(input, 77, sizeof(input)); /* copied */
        EXPECT(seq_start(&two, input) == SEQ_BUSY && seq_set_state(&two, state) == SEQ_BUSY);
        int busy = 0;
        seq_status status;
        while ((status = seq_poll(&one, output)) == SEQ_BUSY) {
            busy++;
            EXPECT(seq_reset_state(&two) == SEQ_BUSY);
        }
        EXPECT(status == SEQ_OK && busy == 5 * polls + 4 && starts == 5u && all(output, 12));
        EXPECT(seq_poll(&one, output) == SEQ_ERR_STATE);
    }
    polls = 1;
    /* Polled for a while, then waited for. */
    fill(1);
    EXPECT(seq_start(&one, input) == SEQ_OK);
    EXPECT(seq_poll(&one, output) == SEQ_BUSY && seq_poll(&one, output) == SEQ_BUSY);
    EXPECT(seq_wait(&one, 10u, output) == SEQ_OK && all(output, 24));
}

/* A stream that fails ends the run: its error, no further start, outputs and state as before; the
 * next run works. */
static void failures(void) {
    for (unsigned k = 1; k <= 5u; k++) {
        for (int at_start = 0; at_start < 2; at_start++) {
            EXPECT(seq_reset_state(&one) == SEQ_OK);
            fill(4);
            EXPECT(seq_run(&one, input, output) == SEQ_OK && all(output, 30));
            starts = 0;
            bad_end = at_start ? 0u : k;
            bad_start = at_start ? k : 0u;
            fill(9);
            EXPECT(seq_run(&one, input, output) == (at_start ? SEQ_ERR_RESET : SEQ_ERR_BUS));
            EXPECT(starts == k && all(output, 30) && npu.job == NULL);
            EXPECT(seq_poll(&one, output) == SEQ_ERR_STATE);
            EXPECT(seq_get_state(&one, state) == SEQ_OK && all(state, 15));
            bad_end = bad_start = 0u;
            fill(0);
            EXPECT(seq_run(&one, input, output) == SEQ_OK && all(output, 36));
        }
    }
}

/* The limit is for the run: each stream gets what is left. */
static void timeouts(void) {
    EXPECT(seq_reset_state(&one) == SEQ_OK);
    fill(1);
    clock_ms = 0xFFFFFFFEu; /* wraps in the middle */
    step_ms = 3u;
    starts = 0;
    EXPECT(seq_start(&one, input) == SEQ_OK && seq_wait(&one, 20u, output) == SEQ_OK);
    static const uint32_t want[] = {20u, 17u, 14u, 11u, 8u};
    EXPECT(memcmp(limits, want, sizeof(want)) == 0);
    starts = 0;
    EXPECT(seq_start(&one, input) == SEQ_OK);
    EXPECT(seq_wait(&one, 10u, output) == SEQ_ERR_TIMEOUT && starts == 4u);
    EXPECT(seq_get_state(&one, state) == SEQ_OK && all(state, 6));
    starts = 0;
    EXPECT(seq_start(&one, input) == SEQ_OK);
    EXPECT(seq_wait(&one, UNROLL_NPU_WAIT_FOREVER, output) == SEQ_OK && all(output, 24));
    EXPECT(limits[4] == UNROLL_NPU_WAIT_FOREVER);
    step_ms = 0u;
}

int main(void) {
    blocking();
    polling();
    failures();
    timeouts();
    puts("passed");
    return 0;
}
