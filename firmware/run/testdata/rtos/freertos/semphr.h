/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FREERTOS_SEMPHR_H
#define FREERTOS_SEMPHR_H

#include "FreeRTOS.h"

typedef struct {
    struct kernel_mutex mutex;
    struct kernel_semaphore semaphore;
} StaticSemaphore_t;
typedef StaticSemaphore_t *SemaphoreHandle_t;

static inline SemaphoreHandle_t xSemaphoreCreateRecursiveMutexStatic(StaticSemaphore_t *memory) {
    memory->mutex.owner = 0;
    memory->mutex.count = 0;
    return memory;
}

static inline SemaphoreHandle_t xSemaphoreCreateBinaryStatic(StaticSemaphore_t *memory) {
    memory->semaphore.count = 0;
    memory->semaphore.most = 1;
    return memory;
}

static inline BaseType_t xSemaphoreTakeRecursive(SemaphoreHandle_t s, TickType_t ticks) {
    return kernel_lock(&s->mutex, ticks) ? pdTRUE : pdFALSE;
}

static inline BaseType_t xSemaphoreGiveRecursive(SemaphoreHandle_t s) {
    return kernel_unlock(&s->mutex) ? pdTRUE : pdFALSE;
}

static inline BaseType_t xSemaphoreTake(SemaphoreHandle_t s, TickType_t ticks) {
    return kernel_take(&s->semaphore, ticks) ? pdTRUE : pdFALSE;
}

static inline BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t s, BaseType_t *woken) {
    *woken = pdTRUE;
    return kernel_give(&s->semaphore) ? pdTRUE : pdFALSE;
}

#endif
