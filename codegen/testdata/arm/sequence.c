/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for Arm's driver that runs the three streams of arm_seq: it takes the first for the
 * load, those that read a moving region for steps, and the last for the head. */
#include <stdio.h>
#include <string.h>

#include "arm_seq_model.h"
#include "arm_seq_check.h"
#include "ethosu_driver.h"

static int starts;

static int8_t saturated(int value) {
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

static int locked; /* a start without it could have another start's memory types */

void *ethosu_mutex_create(void) {
    return &locked;
}

int ethosu_mutex_lock(void *mutex) {
    locked += mutex == &locked ? 1 : 100;
    return 0;
}

int ethosu_mutex_unlock(void *mutex) {
    locked -= mutex == &locked ? 1 : 100;
    return 0;
}

/* Cleaned by the models; streams are cleaned by nobody else. */
static struct {
    uint64_t at;
    size_t bytes;
} cleaned[64];
static unsigned cleanings;

void ethosu_flush_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                         int num_base_addr) {
    for (int i = 0; i < num_base_addr && cleanings < 64u; i++, cleanings++) {
        cleaned[cleanings].at = base_addr[i];
        cleaned[cleanings].bytes = base_addr_size[i];
    }
}

static int is_clean(const void *at, size_t bytes) {
    for (unsigned i = 0; i < cleanings; i++) {
        const uint64_t first = (uint64_t)(uintptr_t)at;
        if (cleaned[i].at % 32u == 0u && cleaned[i].bytes % 32u == 0u && first >= cleaned[i].at &&
            first + bytes <= cleaned[i].at + cleaned[i].bytes) {
            return 1;
        }
    }
    return 0;
}

int ethosu_invoke_async(struct ethosu_driver *drv, const void *custom_data_ptr,
                        const int custom_data_size, uint64_t *const base_addr,
                        const size_t *base_addr_size, const int num_base_addr, void *user_arg) {
    const uint32_t *words = custom_data_ptr;
    int8_t *at[4];
    (void)user_arg;
    if (locked != 1) {
        puts("started without the mutex");
        return -1;
    }
    if (!is_clean(words, (size_t)custom_data_size)) {
        puts("the stream may lie in the CPU's cache");
        return -1;
    }
    if ((int)(8u + ((words[7] & 0xFF00u) << 8) + (words[7] >> 16)) * 4 != custom_data_size ||
        num_base_addr != 4) {
        puts("bad payload");
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        at[i] = (int8_t *)(uintptr_t)base_addr[i];
    }
    if (words == arm_seq_payload_load) {
        if (base_addr_size[0] != 32u || base_addr_size[1] != 32u || base_addr_size[3] != 0u) {
            puts("bad regions of load");
            return -1;
        }
        memcpy(at[1], at[0], 32u);
    } else if (words == arm_seq_payload_step) {
        if (memcmp(at[0], arm_seq_constants, 32u) != 0 || base_addr_size[3] != 16u) {
            puts("bad regions of step");
            return -1;
        }
        for (int i = 0; i < 10; i++) {
            at[1][i] = saturated(at[1][i] + at[3][i]);
        }
    } else {
        for (int i = 0; i < 10; i++) {
            at[1][i] = saturated(2 * at[3][i]);
        }
    }
    starts++;
    drv->job.state = ETHOSU_JOB_DONE;
    return 0;
}

int ethosu_wait(struct ethosu_driver *drv, bool block) {
    (void)block;
    if (drv->job.state != ETHOSU_JOB_DONE) {
        return -1;
    }
    drv->job.state = ETHOSU_JOB_IDLE;
    return 0;
}

struct ethosu_driver *ethosu_reserve_driver(void) {
    return NULL;
}

void ethosu_release_driver(struct ethosu_driver *drv) {
    (void)drv;
}

int main(void) {
    static struct ethosu_driver npu;
    int mismatches = arm_seq_check(&npu);
    printf("%d calls, %d mismatches, %d starts\n", (int)ARM_SEQ_GOLDEN_CALLS, mismatches, starts);
    return mismatches != 0;
}
