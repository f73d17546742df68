/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of npu_port.h by means of FreeRTOS 10 or 11: see npu_rtos.h. FreeRTOSConfig.h has
 * configUSE_MUTEXES, configUSE_RECURSIVE_MUTEXES and INCLUDE_xTaskGetSchedulerState; memory comes
 * from here where configSUPPORT_STATIC_ALLOCATION is 1, else from FreeRTOS's heap.
 *
 * While the scheduler is suspended nothing here blocks: an NPU that another task has is refused,
 * calls answer BUSY. A free one runs, and who waits for it sleeps with the core until its
 * interrupt. Before the scheduler starts FreeRTOS keeps interrupts masked: an NPU can be
 * initialised, but runs then only with UNROLL_NPU_POLLED. */
#include "npu_rtos.h"

#include "FreeRTOS.h"
#include "npu_port.h"
#include "semphr.h"
#include "task.h"

#define CALLS_PER_MS 4096u

static struct slot {
    const unroll_npu *npu;
    SemaphoreHandle_t turn;
    SemaphoreHandle_t ended;
#if configSUPPORT_STATIC_ALLOCATION == 1
    StaticSemaphore_t turn_memory;
    StaticSemaphore_t ended_memory;
#endif
} slots[UNROLL_NPU_RTOS_MAX];

static struct slot *slot_of(const unroll_npu *npu) {
    for (uint32_t i = 0; i < UNROLL_NPU_RTOS_MAX; i++) {
        if (slots[i].npu == npu) {
            return &slots[i];
        }
    }
    return NULL;
}

unroll_npu_status unroll_npu_rtos_init(unroll_npu *npu) {
    struct slot *slot;

    if (npu == NULL) {
        return UNROLL_NPU_ERR_ARGUMENT;
    }
    if (slot_of(npu) != NULL) {
        return UNROLL_NPU_OK;
    }
    slot = slot_of(NULL);
    if (slot == NULL) {
        return UNROLL_NPU_ERR_STATE;
    }
#if configSUPPORT_STATIC_ALLOCATION == 1
    slot->turn = xSemaphoreCreateRecursiveMutexStatic(&slot->turn_memory);
    slot->ended = xSemaphoreCreateBinaryStatic(&slot->ended_memory);
#else
    /* What an earlier attempt has made is still there. */
    if (slot->turn == NULL) {
        slot->turn = xSemaphoreCreateRecursiveMutex();
    }
    if (slot->ended == NULL) {
        slot->ended = xSemaphoreCreateBinary();
    }
#endif
    if (slot->turn == NULL || slot->ended == NULL) {
        return UNROLL_NPU_ERR_STATE;
    }
    slot->npu = npu;
    return UNROLL_NPU_OK;
}

static TickType_t ticks_of(uint32_t milliseconds) {
    const uint64_t ticks =
        ((uint64_t)milliseconds * configTICK_RATE_HZ + 999u) / 1000u; /* rather too long */

    if (milliseconds == UNROLL_NPU_WAIT_FOREVER || ticks >= portMAX_DELAY) {
        return portMAX_DELAY;
    }
    return (TickType_t)ticks;
}

static int scheduling(void) {
    return xTaskGetSchedulerState() == taskSCHEDULER_RUNNING;
}

/* FreeRTOS suspends the scheduler for itself, too, and an interrupt may come just then. */
static int started(void) {
    return xTaskGetSchedulerState() != taskSCHEDULER_NOT_STARTED;
}

/* Whatever the rate and the width of ticks, these end at 32 bits. */
static uint32_t milliseconds(void) {
    static TickType_t last;
    static uint32_t whole;
    static uint32_t rest;
    uint32_t result;

    if (configTICK_RATE_HZ == 1000u && sizeof(TickType_t) >= sizeof(result)) {
        return (uint32_t)xTaskGetTickCount();
    }
    taskENTER_CRITICAL();
    {
        const TickType_t now = xTaskGetTickCount();
        const uint64_t passed = (uint64_t)(TickType_t)(now - last) * 1000u + rest;

        last = now;
        whole += (uint32_t)(passed / configTICK_RATE_HZ);
        rest = (uint32_t)(passed % configTICK_RATE_HZ);
        result = whole;
    }
    taskEXIT_CRITICAL();
    return result;
}

/* Where no ticks come calls are counted, each for less than it takes, and interrupts that end a
 * sleep. */
static uint32_t uncounted;

uint32_t unroll_npu_port_ticks(void) {
    static uint32_t calls;

    if (!scheduling()) {
        calls++;
    }
    return uncounted + calls / CALLS_PER_MS + (started() ? milliseconds() : 0u);
}

int unroll_npu_port_lock(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);

    if (slot == NULL) {
        return 0;
    }
    if (!started()) {
        return 1;
    }
    return xSemaphoreTakeRecursive(slot->turn, scheduling() ? portMAX_DELAY : 0u) == pdTRUE;
}

void unroll_npu_port_unlock(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);

    if (slot != NULL && started()) {
        (void)xSemaphoreGiveRecursive(slot->turn);
    }
}

void unroll_npu_port_sleep(unroll_npu *npu, uint32_t remaining_ms) {
    const struct slot *slot = slot_of(npu);

    if (slot == NULL || !scheduling()) {
        unroll_npu_port_wait(&npu->done);
        uncounted++;
    } else {
        (void)xSemaphoreTake(slot->ended, ticks_of(remaining_ms));
    }
}

void unroll_npu_port_wake(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);
    BaseType_t switch_now = pdFALSE;

    if (slot != NULL && started()) {
        (void)xSemaphoreGiveFromISR(slot->ended, &switch_now);
        portYIELD_FROM_ISR(switch_now);
    }
}
