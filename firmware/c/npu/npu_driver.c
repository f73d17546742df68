/* SPDX-License-Identifier: Apache-2.0 */
#include "npu_driver.h"

#include "npu_mmio.h"
#include "npu_port.h"
#include "npu_regs.h"

/* A reset takes some hundred NPU cycles; a register read several CPU cycles. */
#ifndef UNROLL_NPU_RESET_POLLS
#define UNROLL_NPU_RESET_POLLS 20000u
#endif

static uint32_t reg_read(const unroll_npu *npu, uint32_t offset) {
    return unroll_npu_mmio_read(npu->base, offset);
}

static void reg_write(const unroll_npu *npu, uint32_t offset, uint32_t value) {
    unroll_npu_mmio_write(npu->base, offset, value);
}

/* Both halves are always written: a stale high word would send a U65 elsewhere, and a PC has
 * addresses above 32 bits. */
static void reg_write_address(const unroll_npu *npu, uint32_t offset, const void *address) {
    const uint64_t wide = unroll_npu_port_address((uintptr_t)address);

    reg_write(npu, offset, (uint32_t)wide);
    reg_write(npu, offset + 4u, (uint32_t)(wide >> 32));
}

#define KNOWN_FLAGS                                                                                \
    (UNROLL_NPU_PRIVILEGED | UNROLL_NPU_NONSECURE | UNROLL_NPU_POLLED | UNROLL_NPU_KEEP_POWER |    \
     UNROLL_NPU_COUNT_CYCLES)

static uint32_t level_of(const unroll_npu *npu) {
    return (uint32_t)npu->flags & (UNROLL_NPU_PRIVILEGED | UNROLL_NPU_NONSECURE);
}

/* What a reset cleared of the ports to memory. */
#ifdef NPU_MEM_ATTR0

/* A U85 is told which port and kind of memory each memory type is. */
static void set_up_ports(const unroll_npu *npu) {
    static const uint8_t attributes[4] = {NPU_MEM_ATTR_SRAM, NPU_MEM_ATTR_SRAM, NPU_MEM_ATTR_EXT,
                                          NPU_MEM_ATTR_EXT};

    for (uint32_t i = 0; i < 4u; i++) {
        reg_write(npu, NPU_MEM_ATTR0 + 4u * i, attributes[i]);
    }
    reg_write(npu, NPU_AXI_SRAM, NPU_AXI_SRAM_LIMITS);
    reg_write(npu, NPU_AXI_EXT, NPU_AXI_EXT_LIMITS);
    reg_write(npu, NPU_POWER_CTRL, NPU_MAC_POWER_RAMP);
}

#else

static void set_up_ports(const unroll_npu *npu) {
    uint32_t limit = NPU_AXI_LIMIT_U55;

    if ((npu->config & NPU_CONFIG_PRODUCT) == NPU_CONFIG_PRODUCT_U65) {
        limit = NPU_AXI_LIMIT_U65;
    }
    for (uint32_t i = 0; i < 4u; i++) {
        reg_write(npu, NPU_AXI_LIMIT0 + 4u * i, limit);
    }
}

#endif

/* Resets the NPU, checks its protection level and restores what the reset cleared. The first time
 * it also finds out which NPU this is: while a reset is in progress, at power up too, all registers
 * but STATUS read as 0. */
static unroll_npu_status reset(unroll_npu *npu) {
    uint32_t polls = 0;

    npu->awake = 0;
    reg_write(npu, NPU_RESET, level_of(npu));
    while ((reg_read(npu, NPU_STATUS) & NPU_STATUS_RESET) != 0u) {
        if (++polls >= UNROLL_NPU_RESET_POLLS) {
            npu->ready = 0;
            return UNROLL_NPU_ERR_RESET;
        }
    }
    if (npu->id == 0u) {
        npu->id = reg_read(npu, NPU_ID);
        npu->config = reg_read(npu, NPU_CONFIG);
        if (npu->id == 0u) {
            return UNROLL_NPU_ERR_NO_NPU;
        }
    }
    if ((reg_read(npu, NPU_PROT) & NPU_PROT_LEVEL) != level_of(npu)) {
        npu->ready = 0;
        return UNROLL_NPU_ERR_PROTECTION;
    }
    set_up_ports(npu);
    npu->awake = 1;
    return UNROLL_NPU_OK;
}

/* Nothing runs: the NPU may go to sleep. */
static void release_power(unroll_npu *npu) {
    if ((npu->flags & UNROLL_NPU_KEEP_POWER) == 0u && npu->held == 0u) {
        reg_write(npu, NPU_CMD, NPU_CMD_ALLOW_OFF);
        npu->awake = 0;
        unroll_npu_port_power(npu, 0);
    }
}

unroll_npu_status unroll_npu_init(unroll_npu *npu, uintptr_t base, uint32_t flags) {
    unroll_npu_status result;

    if (npu == NULL || (flags & ~KNOWN_FLAGS) != 0u) {
        return UNROLL_NPU_ERR_ARGUMENT;
    }
    npu->base = base;
    npu->flags = (uint8_t)flags;
    npu->ready = 0;
    npu->done = 0;
    npu->job = NULL;
    npu->cycles = 0;
    npu->status = 0;
    npu->qread = 0;
    npu->id = 0;
    npu->config = 0;
    npu->pmu = NULL;
    npu->callback = NULL;
    npu->user = NULL;
    npu->held = 0;

    unroll_npu_port_power(npu, 1);
    /* Nothing there: the bus reads as all ones, or as zeros, which reset() sees. */
    if (reg_read(npu, NPU_ID) == 0xFFFFFFFFu) {
        return UNROLL_NPU_ERR_NO_NPU;
    }
    result = reset(npu);
    if (result != UNROLL_NPU_OK) {
        return result;
    }
    if ((flags & UNROLL_NPU_POLLED) == 0u) {
        unroll_npu_port_irq_enable(npu);
    }
    npu->ready = 1;
    release_power(npu);
    return UNROLL_NPU_OK;
}

static int aligned(const void *address) {
    return ((uintptr_t)address % UNROLL_NPU_ALIGNMENT) == 0u;
}

/* Is the job well formed? Cheap enough for every start. */
static unroll_npu_status job_shape(const unroll_npu *npu, const unroll_npu_job *job) {
    if (npu == NULL || job == NULL || job->commands == NULL || job->command_bytes == 0u ||
        (job->command_bytes % 4u) != 0u || job->command_bytes > UNROLL_NPU_MAX_COMMANDS ||
        job->region_count > UNROLL_NPU_MAX_REGIONS ||
        (job->regions == NULL && job->region_count != 0u)) {
        return UNROLL_NPU_ERR_ARGUMENT;
    }
    if (npu->ready == 0u) {
        return UNROLL_NPU_ERR_STATE;
    }
    if (!aligned(job->commands)) {
        return UNROLL_NPU_ERR_ALIGNMENT;
    }
    for (uint32_t i = 0; i < job->region_count; i++) {
        const unroll_npu_region *region = &job->regions[i];

        if (region->address == NULL && region->bytes != 0u) {
            return UNROLL_NPU_ERR_ARGUMENT;
        }
        if (!aligned(region->address)) {
            return UNROLL_NPU_ERR_ALIGNMENT;
        }
    }
    return UNROLL_NPU_OK;
}

/* Memory types 0 and 1 are those of AXI port 0, 2 and 3 of port 1. */
static int reaches(const void *address, uint32_t bytes, uint32_t memory) {
    return unroll_npu_port_reaches((uintptr_t)address, bytes, (memory >> 1) & 1u);
}

const void *unroll_npu_unreachable(const unroll_npu_job *job) {
    if (!reaches(job->commands, job->command_bytes, job->commands_memory)) {
        return job->commands;
    }
    for (uint32_t i = 0; i < job->region_count; i++) {
        const unroll_npu_region *region = &job->regions[i];

        if (region->bytes != 0u && !reaches(region->address, region->bytes, region->memory)) {
            return region->address;
        }
    }
    return NULL;
}

unroll_npu_status unroll_npu_check(const unroll_npu *npu, const unroll_npu_job *job) {
    const unroll_npu_status shape = job_shape(npu, job);

    if (shape != UNROLL_NPU_OK) {
        return shape;
    }
    if (((npu->config ^ job->config) & NPU_CONFIG_MUST_MATCH) != 0u) {
        return UNROLL_NPU_ERR_ACCELERATOR;
    }
    if (((npu->id ^ job->id) & NPU_ID_ARCH_MAJOR) != 0u ||
        (npu->id & NPU_ID_ARCH_MINOR) < (job->id & NPU_ID_ARCH_MINOR)) {
        return UNROLL_NPU_ERR_ARCHITECTURE;
    }
    if (unroll_npu_unreachable(job) != NULL) {
        return UNROLL_NPU_ERR_UNREACHABLE;
    }
    unroll_npu_port_cache_clean((uintptr_t)job->commands, job->command_bytes);
    for (uint32_t i = 0; i < job->region_count; i++) {
        const unroll_npu_region *region = &job->regions[i];

        if (region->bytes == 0u) {
            continue;
        }
        if (region->access != UNROLL_NPU_READ_WRITE) {
            unroll_npu_port_cache_clean((uintptr_t)region->address, region->bytes);
        }
        if (region->access == UNROLL_NPU_PRIVATE) {
            unroll_npu_port_cache_invalidate((uintptr_t)region->address, region->bytes);
        }
    }
    return UNROLL_NPU_OK;
}

enum maintenance { CLEAN, INVALIDATE };

/* Cache maintenance of the regions that are left to the driver. */
static void maintain(const unroll_npu_job *job, enum maintenance what) {
    for (uint32_t i = 0; i < job->region_count; i++) {
        const unroll_npu_region *region = &job->regions[i];

        if (region->access != UNROLL_NPU_READ_WRITE || region->bytes == 0u) {
            continue;
        }
        if (what == CLEAN) {
            unroll_npu_port_cache_clean((uintptr_t)region->address, region->bytes);
        } else {
            unroll_npu_port_cache_invalidate((uintptr_t)region->address, region->bytes);
        }
    }
}

static void start_counters(const unroll_npu *npu) {
    uint32_t enabled = NPU_PMCNTEN_CYCLE;

    reg_write(npu, NPU_PMCR, NPU_PMCR_ENABLE);
    reg_write(npu, NPU_PMCCNTR_CFG, NPU_PMCCNTR_CFG_ACTIVE);
    if (npu->pmu != NULL) {
        for (uint32_t i = 0; i < UNROLL_NPU_COUNTERS; i++) {
            reg_write(npu, NPU_PMEVTYPER0 + 4u * i, npu->pmu->event[i]);
            enabled |= 1u << i;
        }
    }
    reg_write(npu, NPU_PMCNTENSET, enabled);
    reg_write(npu, NPU_PMCR, NPU_PMCR_ENABLE | NPU_PMCR_EVENT_RESET | NPU_PMCR_CYCLE_RESET);
}

static int counts(const unroll_npu *npu) {
    return (npu->flags & UNROLL_NPU_COUNT_CYCLES) != 0u || npu->pmu != NULL;
}

static void take_counters(unroll_npu *npu) {
    npu->cycles = reg_read(npu, NPU_PMCCNTR);
    npu->cycles |= (uint64_t)(reg_read(npu, NPU_PMCCNTR_HI) & 0xFFFFu) << 32;
    if (npu->pmu != NULL) {
        for (uint32_t i = 0; i < UNROLL_NPU_COUNTERS; i++) {
            npu->pmu->count[i] += reg_read(npu, NPU_PMEVCNTR0 + 4u * i);
        }
    }
}

unroll_npu_status unroll_npu_start(unroll_npu *npu, const unroll_npu_job *job) {
    uint32_t region_config = 0;
    unroll_npu_status result = job_shape(npu, job);

    if (result != UNROLL_NPU_OK) {
        return result;
    }
    if (npu->job != NULL) {
        return UNROLL_NPU_BUSY;
    }
    maintain(job, CLEAN);

    /* An NPU that was allowed to power down has lost its registers, its level among them. */
    if (npu->awake == 0u) {
        unroll_npu_port_power(npu, 1);
        result = reset(npu);
        if (result != UNROLL_NPU_OK) {
            return result;
        }
    }
    reg_write(npu, NPU_CMD, 0);
    reg_write_address(npu, NPU_QBASE, job->commands);
    reg_write(npu, NPU_QSIZE, job->command_bytes);
    reg_write(npu, NPU_QCONFIG, job->commands_memory);
    for (uint32_t i = 0; i < job->region_count; i++) {
        reg_write_address(npu, NPU_BASEP0 + 8u * i, job->regions[i].address);
        region_config |= ((uint32_t)job->regions[i].memory & 3u) << (2u * i);
    }
    reg_write(npu, NPU_REGIONCFG, region_config);
    if (counts(npu) != 0) {
        start_counters(npu);
    }

    /* The interrupt may come before the store to CMD has returned: everything that the handler and
     * poll look at is set before it. */
    npu->status = 0;
    npu->qread = 0;
    npu->cycles = 0;
    npu->done = 0;
    npu->job = job;
    npu->started = unroll_npu_port_ticks();
    unroll_npu_port_barrier();
    reg_write(npu, NPU_CMD, NPU_CMD_RUN);
    return UNROLL_NPU_OK;
}

/* Has the NPU ended? Takes over its state and clears the interrupt if so. */
static void look(unroll_npu *npu) {
    const uint32_t status = reg_read(npu, NPU_STATUS);

    if ((status & (NPU_STATUS_IRQ | NPU_STATUS_ERRORS)) == 0u) {
        return;
    }
    reg_write(npu, NPU_CMD, NPU_CMD_CLEAR_IRQ);
    npu->status = status;
    npu->done = 1;
    if (npu->callback != NULL) {
        npu->callback(npu, npu->user);
    }
}

void unroll_npu_irq_handler(unroll_npu *npu) {
    if (npu != NULL) {
        look(npu);
        unroll_npu_port_barrier();
        unroll_npu_port_wake(npu);
    }
}

static unroll_npu_status result_of(uint32_t status) {
    if ((status & NPU_STATUS_BUS) != 0u) {
        return UNROLL_NPU_ERR_BUS;
    }
    if ((status & NPU_STATUS_PARSE) != 0u) {
        return UNROLL_NPU_ERR_PARSE;
    }
#ifdef NPU_STATUS_WEIGHTS
    if ((status & NPU_STATUS_WEIGHTS) != 0u) {
        return UNROLL_NPU_ERR_WEIGHTS;
    }
#endif
    if ((status & NPU_STATUS_ECC) != 0u) {
        return UNROLL_NPU_ERR_ECC;
    }
    if ((status & NPU_STATUS_END) == 0u) {
        return UNROLL_NPU_ERR_INCOMPLETE;
    }
    return UNROLL_NPU_OK;
}

/* The run is over: makes its results visible, or the NPU usable again. */
static void finish(unroll_npu *npu, unroll_npu_status result) {
    const unroll_npu_job *job = npu->job;

    npu->job = NULL;
    if (result == UNROLL_NPU_OK) {
        if (counts(npu) != 0) {
            take_counters(npu);
        }
    } else {
        npu->qread = reg_read(npu, NPU_QREAD);
        (void)reset(npu); /* when it fails the context is no longer ready */
    }
    release_power(npu);
    maintain(job, INVALIDATE);
    unroll_npu_port_barrier();
}

unroll_npu_status unroll_npu_poll(unroll_npu *npu) {
    unroll_npu_status result;

    if (npu == NULL) {
        return UNROLL_NPU_ERR_ARGUMENT;
    }
    if (npu->job == NULL) {
        return UNROLL_NPU_ERR_STATE;
    }
    if ((npu->flags & UNROLL_NPU_POLLED) != 0u) {
        look(npu);
    }
    if (npu->done == 0u) {
        return UNROLL_NPU_BUSY;
    }
    result = result_of(npu->status);
    finish(npu, result);
    return result;
}

/* The time is up. An NPU that has ended by now could not tell. */
static unroll_npu_status give_up(unroll_npu *npu) {
    const uint32_t status = reg_read(npu, NPU_STATUS);
    unroll_npu_status result = UNROLL_NPU_ERR_TIMEOUT;

    if ((status & (NPU_STATUS_IRQ | NPU_STATUS_ERRORS)) != 0u) {
        if (npu->done != 0u) { /* just now */
            return unroll_npu_poll(npu);
        }
        result = UNROLL_NPU_ERR_INTERRUPT;
    }
    npu->status = status;
    finish(npu, result);
    return result;
}

unroll_npu_status unroll_npu_wait(unroll_npu *npu, uint32_t timeout_ms) {
    for (;;) {
        const unroll_npu_status result = unroll_npu_poll(npu);
        uint32_t remaining = UNROLL_NPU_WAIT_FOREVER;

        if (result != UNROLL_NPU_BUSY) {
            return result;
        }
        if (timeout_ms != UNROLL_NPU_WAIT_FOREVER) {
            const uint32_t gone = unroll_npu_port_ticks() - npu->started;

            if (gone > timeout_ms) {
                return give_up(npu);
            }
            remaining = timeout_ms - gone + 1u;
        }
        if ((npu->flags & UNROLL_NPU_POLLED) == 0u) {
            unroll_npu_port_sleep(npu, remaining);
        }
    }
}

unroll_npu_status unroll_npu_run(unroll_npu *npu, const unroll_npu_job *job, uint32_t timeout_ms) {
    const unroll_npu_status result = unroll_npu_start(npu, job);

    return result == UNROLL_NPU_OK ? unroll_npu_wait(npu, timeout_ms) : result;
}

unroll_npu_status unroll_npu_soft_reset(unroll_npu *npu) {
    unroll_npu_status result;

    if (npu == NULL) {
        return UNROLL_NPU_ERR_ARGUMENT;
    }
    if (npu->ready == 0u) {
        return UNROLL_NPU_ERR_STATE;
    }
    npu->job = NULL;
    unroll_npu_port_power(npu, 1);
    result = reset(npu);
    if (result == UNROLL_NPU_OK) {
        release_power(npu);
    }
    return result;
}

void unroll_npu_on_done(unroll_npu *npu, unroll_npu_callback callback, void *user) {
    npu->callback = NULL; /* an interrupt in between must not see the new one with the old user */
    unroll_npu_port_barrier();
    npu->user = user;
    unroll_npu_port_barrier();
    npu->callback = callback;
}

void unroll_npu_count(unroll_npu *npu, unroll_npu_pmu *pmu) {
    npu->pmu = pmu;
}

void unroll_npu_hold(unroll_npu *npu) {
    npu->held = 1;
}

void unroll_npu_release(unroll_npu *npu) {
    npu->held = 0;
    if (npu->job == NULL && npu->awake != 0u) {
        release_power(npu);
    }
}

uint64_t unroll_npu_cycles(const unroll_npu *npu) {
    return npu == NULL ? 0u : npu->cycles;
}
