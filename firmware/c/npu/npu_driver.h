/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver for the Arm Ethos-U55 and Ethos-U65 NPU, or, with another npu_regs.h, the Ethos-U85.
 *
 * No heap, no stdio, no globals: everything lives in an unroll_npu that the caller owns, one per
 * NPU. The driver is the same object code on every target; what differs is behind npu_port.h
 * (caches, interrupt, clock) and npu_mmio.h (register access).
 *
 *   static unroll_npu npu;
 *   unroll_npu_init(&npu, base, flags);              once
 *   unroll_npu_check(&npu, &job);                    once per job
 *   unroll_npu_run(&npu, &job, timeout_ms);          blocking, or:
 *   unroll_npu_start(&npu, &job); ... unroll_npu_poll(&npu) until it is not BUSY,
 *                             or  ... unroll_npu_wait(&npu, timeout_ms);
 *
 * Every call answers a status that is to be looked at.
 *
 * Not reentrant: one thread uses an unroll_npu at a time; unroll_npu_irq_handler is the exception.
 * Threads that share an NPU take turns with unroll_npu_port_lock, as generated models do.
 * After an error the NPU has been soft reset and the next run may start; if even that fails the
 * context needs unroll_npu_init again (ERR_STATE until then).
 */
#ifndef UNROLL_NPU_DRIVER_H
#define UNROLL_NPU_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "npu_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a change breaks generated code, which checks it with #error. */
#define UNROLL_NPU_DRIVER_VERSION 2

#define UNROLL_NPU_MAX_REGIONS  8u
#define UNROLL_NPU_ALIGNMENT    16u /* bytes: stream and every region */
#define UNROLL_NPU_CACHE_LINE   32u /* bytes: align and pad what CPU and NPU share to this */
#define UNROLL_NPU_MAX_COMMANDS 0x01000000u /* bytes of a stream */
#define UNROLL_NPU_WAIT_FOREVER 0xFFFFFFFFu

/* Flags of unroll_npu_init. The first two are the RESET register's own bits. */
#define UNROLL_NPU_PRIVILEGED   0x01u /* accesses of the NPU are privileged */
#define UNROLL_NPU_NONSECURE    0x02u /* accesses of the NPU are non-secure */
#define UNROLL_NPU_POLLED       0x10u /* no interrupt: wait reads STATUS */
#define UNROLL_NPU_KEEP_POWER   0x20u /* no power down between runs, no reset before each */
#define UNROLL_NPU_COUNT_CYCLES 0x40u /* cycle counter on: see unroll_npu_cycles */

/* Memory type of a region or of the stream: which AXI port and limit counter serves it. */
#define UNROLL_NPU_AXI0_COUNTER0 0u
#define UNROLL_NPU_AXI0_COUNTER1 1u
#define UNROLL_NPU_AXI1_COUNTER2 2u
#define UNROLL_NPU_AXI1_COUNTER3 3u

/* How the NPU uses a region; decides which cache maintenance the driver asks for. */
#define UNROLL_NPU_READ_ONLY  0u /* cleaned by unroll_npu_check only */
#define UNROLL_NPU_READ_WRITE 1u /* cleaned before, invalidated after every run */
/* Cleaned and invalidated by unroll_npu_check. From then on the CPU touches it between runs only,
 * and the caller cleans before a run what it wrote and invalidates after it what it will read. */
#define UNROLL_NPU_PRIVATE 2u

/* One base pointer: region n of the stream is relative to regions[n].address. */
typedef struct unroll_npu_region {
    const void *address; /* multiple of UNROLL_NPU_ALIGNMENT; null only when bytes is 0 */
    uint32_t bytes;      /* 0: the stream does not use this region */
    uint8_t memory;      /* UNROLL_NPU_AXI... */
    uint8_t access;      /* UNROLL_NPU_READ_ONLY, ..._READ_WRITE or ..._PRIVATE */
} unroll_npu_region;

/* What to run. The job and what it points to must stay until the run has ended. */
typedef struct unroll_npu_job {
    const uint32_t *commands; /* register command stream, multiple of UNROLL_NPU_ALIGNMENT */
    uint32_t command_bytes;   /* multiple of 4, at most 16 MiB */
    const unroll_npu_region *regions;
    uint8_t region_count;    /* at most UNROLL_NPU_MAX_REGIONS */
    uint8_t commands_memory; /* UNROLL_NPU_AXI... */
    /* CONFIG of the accelerator the stream was compiled for. Product, MACs per cycle and stream
     * version must equal the hardware's. */
    uint32_t config;
    /* Architecture version the stream needs, as in ID bits 31-16. The major number must equal the
     * hardware's, the minor number may be higher there, the patch number is ignored. */
    uint32_t id;
} unroll_npu_job;

/* Events to count, and how often they came; the application's own, see unroll_npu_count. */
#define UNROLL_NPU_COUNTERS 4u
typedef struct unroll_npu_pmu {
    uint16_t event[UNROLL_NPU_COUNTERS];
    uint32_t count[UNROLL_NPU_COUNTERS]; /* added up over runs until the application clears it */
} unroll_npu_pmu;

/* Some events; numbers are those of the NPU's PMU. */
#define UNROLL_NPU_EVENT_NONE             0u
#define UNROLL_NPU_EVENT_MAC_ACTIVE       48u
#define UNROLL_NPU_EVENT_MAC_ON_WEIGHTS   53u  /* MAC unit waits for decoded weights */
#define UNROLL_NPU_EVENT_OUTPUT_ACTIVE    64u  /* output unit: elementwise, activation, rescaling */
#define UNROLL_NPU_EVENT_WEIGHTS_ACTIVE   80u  /* weight decoder */
#define UNROLL_NPU_EVENT_AXI0_READ_BEATS  130u /* SRAM side */
#define UNROLL_NPU_EVENT_AXI0_WRITE_BEATS 135u
#define UNROLL_NPU_EVENT_AXI1_READ_BEATS  386u /* flash or DRAM side */
#define UNROLL_NPU_EVENT_AXI1_WRITE_BEATS 391u

struct unroll_npu;

/* Told by the interrupt handler (with UNROLL_NPU_POLLED by poll and wait) that a run has ended;
 * poll or wait then give its result. */
typedef void (*unroll_npu_callback)(struct unroll_npu *npu, void *user);

/* One NPU. Fields are the driver's own; those under "report" may be read after an error. */
typedef struct unroll_npu {
    uintptr_t base;
    const unroll_npu_job *job; /* non-null while running */
    uint64_t cycles;
    uint32_t started;       /* tick of the start */
    volatile uint32_t done; /* set by the interrupt handler: the run has ended */
    unroll_npu_pmu *pmu;
    unroll_npu_callback callback;
    void *user;
    uint8_t flags;
    uint8_t ready;
    uint8_t awake; /* has power, and its registers what reset() wrote */
    uint8_t held;
    /* report */
    uint32_t id;              /* ID register */
    uint32_t config;          /* CONFIG register */
    volatile uint32_t status; /* STATUS when the last run ended or timed out */
    uint32_t qread; /* byte offset in the stream where the last run stopped, after an error */
} unroll_npu;

/*
 * Switches power and clock on, finds the NPU at base, soft resets it to the level in flags and
 * enables its interrupt. May be called again at any time, also after any error. Returns OK,
 * ERR_ARGUMENT (also for flags that there are not), ERR_NO_NPU, ERR_RESET or ERR_PROTECTION.
 * Callback and counters are to be set afterwards.
 */
unroll_npu_status unroll_npu_init(unroll_npu *npu, uintptr_t base, uint32_t flags);

/*
 * Does this job fit this NPU? Checks accelerator, architecture, alignment and reachability, and
 * cleans the stream and read-only regions from the data cache. Call it once per job, before the
 * first start. Returns OK, ERR_STATE, ERR_ARGUMENT, ERR_ACCELERATOR, ERR_ARCHITECTURE,
 * ERR_ALIGNMENT or ERR_UNREACHABLE.
 */
unroll_npu_status unroll_npu_check(const unroll_npu *npu, const unroll_npu_job *job);

/* The first byte of what makes unroll_npu_check answer ERR_UNREACHABLE; null when all is reached.
 */
const void *unroll_npu_unreachable(const unroll_npu_job *job);

/* Starts a job and returns. OK, BUSY (a job is running), ERR_STATE, ERR_RESET, ERR_PROTECTION or
 * what unroll_npu_check answers, except that it does not look at accelerator and reachability. */
unroll_npu_status unroll_npu_start(unroll_npu *npu, const unroll_npu_job *job);

/* BUSY while the job runs; then, once, its result: OK or an error. ERR_STATE: nothing runs. */
unroll_npu_status unroll_npu_poll(unroll_npu *npu);

/* Sleeps until the job has ended; ERR_TIMEOUT when that takes more than timeout_ms since start,
 * ERR_INTERRUPT when the NPU has ended by then but its interrupt did not come: wrong number?
 * Otherwise as unroll_npu_poll, but never BUSY. */
unroll_npu_status unroll_npu_wait(unroll_npu *npu, uint32_t timeout_ms);

/* unroll_npu_start and unroll_npu_wait. */
unroll_npu_status unroll_npu_run(unroll_npu *npu, const unroll_npu_job *job, uint32_t timeout_ms);

/* Non-zero from a successful start until poll or wait has given the result. */
static inline int unroll_npu_busy(const unroll_npu *npu) {
    return npu->job != NULL;
}

/* To be called from the NPU's interrupt. */
void unroll_npu_irq_handler(unroll_npu *npu);

/* Asks to be told when a run has ended; null: no more. */
void unroll_npu_on_done(unroll_npu *npu, unroll_npu_callback callback, void *user);

/* Counts events in every run from now on; null: no more. pmu must stay. */
void unroll_npu_count(unroll_npu *npu, unroll_npu_pmu *pmu);

/* Between hold and release the NPU keeps its power from one run to the next and is not reset
 * before each: for several streams in a row. Release may power it down. */
void unroll_npu_hold(unroll_npu *npu);
void unroll_npu_release(unroll_npu *npu);

/* Stops whatever runs and brings the NPU to the state after init; a running job is forgotten.
 * OK, ERR_STATE, ERR_RESET or ERR_PROTECTION. */
unroll_npu_status unroll_npu_soft_reset(unroll_npu *npu);

/* NPU cycles of the last finished run; 0 without UNROLL_NPU_COUNT_CYCLES or where the target does
 * not count. */
uint64_t unroll_npu_cycles(const unroll_npu *npu);

#ifdef __cplusplus
}
#endif

#endif
