/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ethosu_board.h"
#include "ethosu_driver.h"
#include "npu_port.h"
#include "npu_regs.h"

/* Words of a payload: its name, then actions, a word each with the action in the low byte. */
#define PAYLOAD_NAME   0x31504F43u /* "COP1" */
#define ACTION_CONFIG  1u          /* followed by CONFIG and ID */
#define ACTION_STREAM  2u          /* words of the stream: bits 15-8, then bits 31-16 */
#define ACTION_NOTHING 5u

#define WAIT_MS 10000u

static struct ethosu_driver *drivers;

UNROLL_NPU_WEAK void ethosu_flush_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                                         int num_base_addr) {
    for (int i = 0; i < num_base_addr; i++) {
        if (base_addr_size[i] != 0u) {
            unroll_npu_port_cache_clean((uintptr_t)base_addr[i], base_addr_size[i]);
        }
    }
}

UNROLL_NPU_WEAK void ethosu_invalidate_dcache(const uint64_t *base_addr,
                                              const size_t *base_addr_size, int num_base_addr) {
    for (int i = 0; i < num_base_addr; i++) {
        if (base_addr_size[i] != 0u) {
            unroll_npu_port_cache_invalidate((uintptr_t)base_addr[i], base_addr_size[i]);
        }
    }
}

int ethosu_init(struct ethosu_driver *drv, void *const base_address, const void *fast_memory,
                const size_t fast_memory_size, uint32_t secure_enable, uint32_t privilege_enable) {
    uint32_t flags = UNROLL_NPU_COUNT_CYCLES;

    (void)fast_memory;
    (void)fast_memory_size;
    if (secure_enable == 0u) {
        flags |= UNROLL_NPU_NONSECURE;
    }
    if (privilege_enable != 0u) {
        flags |= UNROLL_NPU_PRIVILEGED;
    }
    memset(drv, 0, sizeof *drv);
    if (unroll_npu_init(&drv->npu, (uintptr_t)base_address, flags) != UNROLL_NPU_OK) {
        return -1;
    }
    drv->next = drivers;
    drivers = drv;
    return 0;
}

void ethosu_board_connect(struct ethosu_driver *drv) {
    (void)drv; /* ethosu_init has done it */
}

/* Finds stream and accelerator in a payload of so many words. */
static int parse(unroll_npu_job *job, const uint32_t *words, uint32_t count) {
    uint32_t at = 1;

    if (count == 0u || words[0] != PAYLOAD_NAME) {
        return -1;
    }
    while (at < count) {
        const uint32_t action = words[at++];
        uint32_t length;

        switch (action & 0xFFu) {
        case ACTION_CONFIG:
            if (count - at < 2u) {
                return -1;
            }
            job->config = words[at];
            job->id = words[at + 1u];
            at += 2u;
            break;
        case ACTION_STREAM:
            length = (action & 0xFF00u) << 8 | action >> 16;
            if (length > count - at) {
                return -1;
            }
            job->commands = words + at;
            job->command_bytes = 4u * length;
            at += length;
            break;
        case ACTION_NOTHING:
            break;
        default:
            return -1;
        }
    }
    return job->commands == NULL ? -1 : 0;
}

/* Can the NPU run it? Unlike unroll_npu_check it cleans no cache: over the stream Arm's driver
 * leaves that to the application, so that a program which relies on it must fail here, too. */
static bool fits(const unroll_npu *npu, const unroll_npu_job *job) {
    return ((npu->config ^ job->config) & NPU_CONFIG_MUST_MATCH) == 0u &&
           ((npu->id ^ job->id) & NPU_ID_ARCH_MAJOR) == 0u &&
           (npu->id & NPU_ID_ARCH_MINOR) >= (job->id & NPU_ID_ARCH_MINOR) &&
           unroll_npu_unreachable(job) == NULL;
}

/* For one thread; to be replaced for several. */
__attribute__((weak)) void *ethosu_mutex_create(void) {
    static uint8_t only;

    return &only;
}

__attribute__((weak)) int ethosu_mutex_lock(void *mutex) {
    (void)mutex;
    return 0;
}

__attribute__((weak)) int ethosu_mutex_unlock(void *mutex) {
    (void)mutex;
    return 0;
}

int ethosu_invoke_async(struct ethosu_driver *drv, const void *custom_data_ptr,
                        const int custom_data_size, uint64_t *const base_addr,
                        const size_t *base_addr_size, const int num_base_addr, void *user_arg) {
    (void)user_arg;
    if (drv->job.state != ETHOSU_JOB_IDLE || custom_data_size < 0 || custom_data_size % 4 != 0 ||
        num_base_addr < 0 || num_base_addr > ETHOSU_STANDIN_BASES) {
        return -1;
    }
    memset(&drv->stream, 0, sizeof drv->stream);
    if (parse(&drv->stream, (const uint32_t *)custom_data_ptr, (uint32_t)custom_data_size / 4u) !=
        0) {
        return -1;
    }
    drv->base_count = num_base_addr;
    for (int i = 0; i < num_base_addr; i++) {
        drv->bases[i] = base_addr[i];
        drv->sizes[i] = base_addr_size[i];
        drv->regions[i].address = (const void *)(uintptr_t)base_addr[i];
        drv->regions[i].bytes = (uint32_t)base_addr_size[i];
        drv->regions[i].memory = (uint8_t)ethosu_config_select(base_addr[i], i);
        drv->regions[i].access = UNROLL_NPU_READ_ONLY; /* the hooks maintain the cache */
    }
    drv->stream.commands_memory =
        (uint8_t)ethosu_config_select((uint64_t)(uintptr_t)drv->stream.commands, -1);
    drv->stream.regions = drv->regions;
    drv->stream.region_count = (uint8_t)num_base_addr;
    if (!fits(&drv->npu, &drv->stream)) {
        return -1;
    }
    ethosu_flush_dcache(drv->bases, drv->sizes, drv->base_count);
    if (unroll_npu_start(&drv->npu, &drv->stream) != UNROLL_NPU_OK) {
        return -1;
    }
    drv->job.state = ETHOSU_JOB_RUNNING;
    return 0;
}

int ethosu_wait(struct ethosu_driver *drv, bool block) {
    unroll_npu_status status;

    if (drv->job.state == ETHOSU_JOB_IDLE) {
        return -2;
    }
    status = block ? unroll_npu_wait(&drv->npu, WAIT_MS) : unroll_npu_poll(&drv->npu);
    if (status == UNROLL_NPU_BUSY) {
        return 1;
    }
    ethosu_invalidate_dcache(drv->bases, drv->sizes, drv->base_count);
    drv->job.state = ETHOSU_JOB_IDLE;
    drv->cycles = (drv->fresh ? 0u : drv->cycles) + unroll_npu_cycles(&drv->npu);
    drv->fresh = false;
    return status == UNROLL_NPU_OK ? 0 : -1;
}

struct ethosu_driver *ethosu_reserve_driver(void) {
    struct ethosu_driver *drv = drivers;

    while (drv != NULL && drv->reserved) {
        drv = drv->next;
    }
    if (drv != NULL) {
        drv->reserved = true;
        drv->fresh = true;
    }
    return drv;
}

void ethosu_release_driver(struct ethosu_driver *drv) {
    if (drv == NULL || !drv->reserved) {
        return;
    }
    if (drv->job.state != ETHOSU_JOB_IDLE && ethosu_wait(drv, false) == 1) {
        (void)unroll_npu_soft_reset(&drv->npu);
        drv->job.state = ETHOSU_JOB_IDLE;
    }
    drv->reserved = false;
}
