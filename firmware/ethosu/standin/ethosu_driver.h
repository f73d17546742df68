/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface of Arm's Ethos-U core driver, as far as generated models and their golden
 * application use it, over the project's own driver. It stands in where Arm's source is not at
 * hand, so that the project runs; a product takes Arm's, whose header has the same name.
 */
#ifndef ETHOSU_DRIVER_H
#define ETHOSU_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "npu_driver.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the driver that it stands in for. */
#define ETHOSU_DRIVER_VERSION_MAJOR 1
#define ETHOSU_DRIVER_VERSION_MINOR 0
#define ETHOSU_DRIVER_VERSION_PATCH 0

#define ETHOSU_STANDIN 1

#define ETHOSU_STANDIN_BASES 8

enum ethosu_job_state { ETHOSU_JOB_IDLE = 0, ETHOSU_JOB_RUNNING, ETHOSU_JOB_DONE };

struct ethosu_driver {
    struct {
        volatile enum ethosu_job_state state;
    } job;
    /* What follows is the stand-in's own. */
    struct ethosu_driver *next;
    bool reserved;
    bool fresh;      /* no stream since it was reserved */
    uint64_t cycles; /* of all streams of the last reservation that had some */
    unroll_npu npu;
    unroll_npu_job stream;
    unroll_npu_region regions[ETHOSU_STANDIN_BASES];
    uint64_t bases[ETHOSU_STANDIN_BASES];
    size_t sizes[ETHOSU_STANDIN_BASES];
    int base_count;
};

/* 0, or a negative number. */
int ethosu_init(struct ethosu_driver *drv, void *const base_address, const void *fast_memory,
                const size_t fast_memory_size, uint32_t secure_enable, uint32_t privilege_enable);

/* Looks at the payload and starts the stream in it: 0, or a negative number. */
int ethosu_invoke_async(struct ethosu_driver *drv, const void *custom_data_ptr,
                        const int custom_data_size, uint64_t *const base_addr,
                        const size_t *base_addr_size, const int num_base_addr, void *user_arg);

/* 0: done, 1: still running (never when it may block), negative: an error, or nothing runs. */
int ethosu_wait(struct ethosu_driver *drv, bool block);

/* A driver that nobody else has reserved; null when there is none, where Arm's waits for one. */
struct ethosu_driver *ethosu_reserve_driver(void);
void ethosu_release_driver(struct ethosu_driver *drv);

/* Arm's driver has these by default, too, to be replaced. Cache maintenance here is that of the
 * board's port; Arm's does nothing. */
void ethosu_flush_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                         int num_base_addr);
void ethosu_invalidate_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                              int num_base_addr);
unsigned int ethosu_config_select(uint64_t address, int index);
void *ethosu_mutex_create(void);
int ethosu_mutex_lock(void *mutex);
int ethosu_mutex_unlock(void *mutex);

#ifdef __cplusplus
}
#endif

#endif
