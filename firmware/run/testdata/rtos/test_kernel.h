/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel as small as tests can do with: tasks that take turns at every tick, recursive mutexes
 * and semaphores. The headers beside this folder give it the interfaces of FreeRTOS, CMSIS-RTOS2
 * and Zephyr, as far as the NPU driver's ports use these. */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include <stdint.h>

#define KERNEL_FOREVER 0xFFFFFFFFu

struct kernel_mutex {
    volatile uint32_t owner; /* number of the task, from 1; 0: free */
    volatile uint32_t count;
};

struct kernel_semaphore {
    volatile uint32_t count;
    uint32_t most;
};

void kernel_task(void (*entry)(void *), void *argument);
void kernel_start(void);
int kernel_running(void);
uint32_t kernel_ticks(void); /* milliseconds */
uint32_t kernel_switches(void);

/* Suspends the scheduler and answers whether it was before, which restore takes. */
uint32_t kernel_hold(void);
void kernel_restore(uint32_t before);
int kernel_held(void);

/* Non-zero when got within so many ticks. */
int kernel_lock(struct kernel_mutex *mutex, uint32_t ticks);
int kernel_unlock(struct kernel_mutex *mutex);
int kernel_take(struct kernel_semaphore *semaphore, uint32_t ticks);
int kernel_give(struct kernel_semaphore *semaphore); /* also from interrupts */
void kernel_sleep(uint32_t ticks);

#endif
