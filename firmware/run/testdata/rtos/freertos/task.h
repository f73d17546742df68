/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FREERTOS_TASK_H
#define FREERTOS_TASK_H

#include "FreeRTOS.h"

typedef void *TaskHandle_t;
typedef void (*TaskFunction_t)(void *);

#define taskSCHEDULER_SUSPENDED   ((BaseType_t)0)
#define taskSCHEDULER_NOT_STARTED ((BaseType_t)1)
#define taskSCHEDULER_RUNNING     ((BaseType_t)2)

/* Interrupts always come while FreeRTOS has suspended the scheduler for itself. */
static inline BaseType_t xTaskGetSchedulerState(void) {
    uint32_t interrupt;

    __asm__ volatile("mrs %0, ipsr" : "=r"(interrupt));
    if (kernel_running() && (interrupt != 0u || kernel_held())) {
        return taskSCHEDULER_SUSPENDED;
    }
    return kernel_running() ? taskSCHEDULER_RUNNING : taskSCHEDULER_NOT_STARTED;
}

static inline void vTaskSuspendAll(void) {
    (void)kernel_hold();
}

static inline BaseType_t xTaskResumeAll(void) {
    kernel_restore(0);
    return pdFALSE;
}

#define taskENTER_CRITICAL() const uint32_t critical_before = kernel_hold()
#define taskEXIT_CRITICAL()  kernel_restore(critical_before)

static inline TickType_t xTaskGetTickCount(void) {
    return (TickType_t)((uint64_t)kernel_ticks() * configTICK_RATE_HZ / 1000u);
}

static inline BaseType_t xTaskCreate(TaskFunction_t code, const char *name, uint32_t stack_words,
                                     void *argument, UBaseType_t priority, TaskHandle_t *handle) {
    (void)name;
    (void)stack_words;
    (void)priority;
    (void)handle;
    kernel_task(code, argument);
    return pdPASS;
}

static inline void vTaskStartScheduler(void) {
    kernel_start();
}

static inline void vTaskDelay(TickType_t ticks) {
    kernel_sleep(ticks);
}

#endif
