/* SPDX-License-Identifier: Apache-2.0 */
/* Zephyr's interface over the test kernel, as far as npu_port_zephyr.c, the samples and the
 * application of the test use it. */
#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "test_kernel.h"

typedef struct {
    int64_t ticks;
} k_timeout_t;

#define K_FOREVER  ((k_timeout_t){-1})
#define K_NO_WAIT  ((k_timeout_t){0})
#define K_MSEC(ms) ((k_timeout_t){(int64_t)(ms)})

struct k_sem {
    struct kernel_semaphore semaphore;
};
struct k_mutex {
    struct kernel_mutex mutex;
};

#define K_SEM_DEFINE(name, first, limit) struct k_sem name = {{first, limit}}
#define K_MUTEX_DEFINE(name)             struct k_mutex name

static inline uint32_t kernel_timeout(k_timeout_t timeout) {
    return timeout.ticks < 0 ? KERNEL_FOREVER : (uint32_t)timeout.ticks;
}

static inline int k_sem_take(struct k_sem *sem, k_timeout_t timeout) {
    return kernel_take(&sem->semaphore, kernel_timeout(timeout)) ? 0 : -11;
}

static inline void k_sem_give(struct k_sem *sem) {
    (void)kernel_give(&sem->semaphore);
}

static inline int k_mutex_lock(struct k_mutex *mutex, k_timeout_t timeout) {
    return kernel_lock(&mutex->mutex, kernel_timeout(timeout)) ? 0 : -11;
}

static inline int k_mutex_unlock(struct k_mutex *mutex) {
    return kernel_unlock(&mutex->mutex) ? 0 : -1;
}

static inline uint32_t k_uptime_get_32(void) {
    return kernel_ticks();
}

static inline int32_t k_sleep(k_timeout_t timeout) {
    kernel_sleep(kernel_timeout(timeout));
    return 0;
}

struct k_thread {
    void (*entry)(void *, void *, void *);
    void *argument[3];
};
typedef char k_thread_stack_t;

#define K_THREAD_STACK_DEFINE(name, bytes) k_thread_stack_t name[1]

void kernel_thread(void *thread);

static inline struct k_thread *k_thread_create(struct k_thread *thread, k_thread_stack_t *stack,
                                               size_t bytes, void (*entry)(void *, void *, void *),
                                               void *p1, void *p2, void *p3, int priority,
                                               uint32_t options, k_timeout_t delay) {
    (void)stack;
    (void)bytes;
    (void)priority;
    (void)options;
    (void)delay;
    thread->entry = entry;
    thread->argument[0] = p1;
    thread->argument[1] = p2;
    thread->argument[2] = p3;
    kernel_task(kernel_thread, thread);
    return thread;
}

/* main is a thread of its own. */
#define main zephyr_main
int zephyr_main(void);

#endif
