/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for Arm's driver that checks the payload as Arm's does and then adds. */
#include <stdio.h>
#include <string.h>

#include "arm_acc_check.h"
#include "ethosu_driver.h"

static const uint32_t expected[] = {0x31504F43u, 0x00100001u, 0x00001807u, 0x10060000u,
                                    0x00000005u, 0x00000005u, 0x00000005u};

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
    (void)user_arg;
    if (locked != 1) {
        puts("started without the mutex");
        return -1;
    }
    if (!is_clean(words, (size_t)custom_data_size)) {
        puts("the stream may lie in the CPU's cache");
        return -1;
    }
    if (!is_clean((const void *)(uintptr_t)base_addr[0], base_addr_size[0])) {
        puts("constants may lie in the CPU's cache");
        return -1;
    }
    for (int i = -1; i < 2; i++) { /* stream and constants in flash, the arena in SRAM */
        if (ethosu_config_select(0, i) != (i < 0 ? 2u : i == 0 ? 3u : 0u)) {
            puts("bad memory types");
            return -1;
        }
    }
    if (memcmp(words, expected, sizeof(expected)) != 0 || (words[7] & 0xFFu) != 2u ||
        (int)(8u + ((words[7] & 0xFF00u) << 8) + (words[7] >> 16)) * 4 != custom_data_size ||
        (uintptr_t)words % 16u != 0u || words[custom_data_size / 4 - 1] != 0xFFFF0000u) {
        puts("bad payload");
        return -1;
    }
    if (num_base_addr != 2 || base_addr_size[0] != 32u || base_addr_size[1] < 80u ||
        base_addr[0] % 16u != 0u || base_addr[1] % 32u != 0u) {
        puts("bad regions");
        return -1;
    }
    int8_t *arena = (int8_t *)(uintptr_t)base_addr[1];
    for (int i = 0; i < 16; i++) {
        int sum = arena[i] + arena[16 + i];
        arena[32 + i] = arena[48 + i] = (int8_t)(sum < -128 ? -128 : sum > 127 ? 127 : sum);
    }
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
    int mismatches = arm_acc_check(&npu);
    printf("%d calls, %d mismatches\n", (int)ARM_ACC_GOLDEN_CALLS, mismatches);
    return mismatches != 0;
}
