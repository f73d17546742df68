/* SPDX-License-Identifier: Apache-2.0 */
/* An NPU driver without an NPU: a job takes a few polls, then adds state to input. */
#include "npu_fake.h"

#include <stdlib.h>

#include "npu_driver.h"
#include "npu_port.h"

unroll_npu_status fake_result = UNROLL_NPU_OK;
int fake_polls = 2;

int fake_hardware;
int fake_asked;

/* CRC-32 as IEEE 802.3 has it, bit by bit. */
int unroll_npu_port_intact(const void *data, size_t bytes, uint32_t crc_32) {
    const uint8_t *at = data;
    uint32_t crc = 0xFFFFFFFFu;

    fake_asked++;
    if (fake_hardware <= 0) {
        return fake_hardware == 0 ? -1 : 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1u) != 0u ? 0xEDB88320u : 0u);
        }
    }
    return ~crc == crc_32;
}

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

unroll_npu_status unroll_npu_check(const unroll_npu *npu, const unroll_npu_job *job) {
    (void)npu;
    return job->config == 0x00001807u ? UNROLL_NPU_OK : UNROLL_NPU_ERR_ACCELERATOR;
}

unroll_npu_status unroll_npu_start(unroll_npu *npu, const unroll_npu_job *job) {
    if (npu->job != NULL) {
        return UNROLL_NPU_BUSY;
    }
    npu->job = job;
    left = fake_polls;
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
    uint8_t *arena = (uint8_t *)(uintptr_t)npu->job->regions[1].address;
    int8_t *input = (int8_t *)arena, *state = (int8_t *)arena + 16;
    int8_t *output = (int8_t *)arena + 32, *next = (int8_t *)arena + STATE_OUT;
    npu->job = NULL;
    for (int i = 0; i < 16; i++) {
        output[i] = saturated(input[i] + state[i]);
    }
    for (int i = 0; i < 16; i++) {
        next[i] = output[i];
    }
    for (int i = 0; i < 16; i++) { /* scratch may lie over inputs that are no longer needed */
        input[i] = 99;
        if (STATE_OUT != 16) {
            state[i] = 99;
        }
    }
    return fake_result;
}

unroll_npu_status unroll_npu_wait(unroll_npu *npu, uint32_t timeout_ms) {
    (void)timeout_ms;
    left = 0;
    return unroll_npu_poll(npu);
}
