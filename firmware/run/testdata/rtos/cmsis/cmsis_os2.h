/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-RTOS2's interface over the test kernel, as far as npu_rtos_cmsis.c and the application of
 * the test use it. */
#ifndef CMSIS_OS2_H
#define CMSIS_OS2_H

#include <stddef.h>

#include "test_kernel.h"

typedef enum { osOK = 0, osErrorTimeout = -2, osErrorResource = -3 } osStatus_t;
typedef enum {
    osKernelInactive = 0,
    osKernelReady = 1,
    osKernelRunning = 2,
    osKernelLocked = 3
} osKernelState_t;
typedef struct kernel_mutex *osMutexId_t;
typedef struct kernel_semaphore *osSemaphoreId_t;
typedef void *osThreadId_t;
typedef void (*osThreadFunc_t)(void *argument);
typedef struct {
    const char *name;
    uint32_t attr_bits;
    void *cb_mem;
    uint32_t cb_size;
} osMutexAttr_t;
typedef struct {
    const char *name;
    uint32_t attr_bits;
    void *cb_mem;
    uint32_t cb_size;
} osSemaphoreAttr_t;
typedef struct {
    const char *name;
    uint32_t attr_bits;
    void *stack_mem;
    uint32_t stack_size;
} osThreadAttr_t;

#define osWaitForever      0xFFFFFFFFu
#define osMutexRecursive   0x00000001u
#define osMutexPrioInherit 0x00000002u

static inline osStatus_t osKernelInitialize(void) {
    return osOK;
}

static inline osKernelState_t osKernelGetState(void) {
    if (kernel_held()) {
        return osKernelLocked;
    }
    return kernel_running() ? osKernelRunning : osKernelReady;
}

static inline int32_t osKernelLock(void) {
    return (int32_t)kernel_hold();
}

static inline int32_t osKernelRestoreLock(int32_t lock) {
    kernel_restore((uint32_t)lock);
    return lock;
}

static inline osStatus_t osKernelStart(void) {
    kernel_start();
    return osOK;
}

static inline uint32_t osKernelGetTickCount(void) {
    return kernel_ticks();
}

static inline uint32_t osKernelGetTickFreq(void) {
    return 1000u;
}

static inline osThreadId_t osThreadNew(osThreadFunc_t code, void *argument,
                                       const osThreadAttr_t *attributes) {
    (void)attributes;
    kernel_task(code, argument);
    return (osThreadId_t)(uintptr_t)code;
}

static inline osStatus_t osDelay(uint32_t ticks) {
    kernel_sleep(ticks);
    return osOK;
}

static inline osMutexId_t osMutexNew(const osMutexAttr_t *attributes) {
    static struct kernel_mutex only;

    return (attributes->attr_bits & osMutexRecursive) != 0u ? &only : NULL;
}

static inline osStatus_t osMutexAcquire(osMutexId_t mutex, uint32_t ticks) {
    return kernel_lock(mutex, ticks) ? osOK : osErrorTimeout;
}

static inline osStatus_t osMutexRelease(osMutexId_t mutex) {
    return kernel_unlock(mutex) ? osOK : osErrorResource;
}

static inline osSemaphoreId_t osSemaphoreNew(uint32_t most, uint32_t first,
                                             const osSemaphoreAttr_t *attributes) {
    static struct kernel_semaphore only;

    (void)attributes;
    only.most = most;
    only.count = first;
    return &only;
}

static inline osStatus_t osSemaphoreAcquire(osSemaphoreId_t semaphore, uint32_t ticks) {
    return kernel_take(semaphore, ticks) ? osOK : osErrorTimeout;
}

static inline osStatus_t osSemaphoreRelease(osSemaphoreId_t semaphore) {
    return kernel_give(semaphore) ? osOK : osErrorResource;
}

#endif
