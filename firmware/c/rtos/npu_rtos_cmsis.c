/* SPDX-License-Identifier: Apache-2.0 */
/* The hooks of npu_port.h by means of CMSIS-RTOS2 (Keil RTX5, or the wrapper of another system):
 * see npu_rtos.h. unroll_npu_rtos_init comes after osKernelInitialize.
 *
 * Under osKernelLock nothing here blocks: an NPU that another thread has is refused, calls answer
 * BUSY. A free one runs, and who waits for it sleeps with the core until its interrupt. */
#include "npu_rtos.h"

#include "cmsis_os2.h"
#include "npu_port.h"

#define CALLS_PER_MS 4096u

static struct slot {
    const unroll_npu *npu;
    osMutexId_t turn;
    osSemaphoreId_t ended;
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
    /* Name, bits, and no memory of ours. */
    static const osMutexAttr_t attributes = {"npu", osMutexRecursive | osMutexPrioInherit, NULL,
                                             0u};
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
    /* What an earlier attempt has made is still there. */
    if (slot->turn == NULL) {
        slot->turn = osMutexNew(&attributes);
    }
    if (slot->ended == NULL) {
        slot->ended = osSemaphoreNew(1u, 0u, NULL);
    }
    if (slot->turn == NULL || slot->ended == NULL) {
        return UNROLL_NPU_ERR_STATE;
    }
    slot->npu = npu;
    return UNROLL_NPU_OK;
}

static int scheduling(void) {
    return osKernelGetState() == osKernelRunning;
}

/* While the kernel is locked, too: mutexes have owners then, but nobody may wait for one. */
static int started(void) {
    const osKernelState_t state = osKernelGetState();

    return state == osKernelRunning || state == osKernelLocked;
}

static uint32_t ticks_of(uint32_t milliseconds) {
    const uint64_t ticks =
        ((uint64_t)milliseconds * osKernelGetTickFreq() + 999u) / 1000u; /* rather too long */

    if (milliseconds == UNROLL_NPU_WAIT_FOREVER || ticks >= osWaitForever) {
        return osWaitForever;
    }
    return (uint32_t)ticks;
}

/* Whatever the frequency of ticks, these end at 32 bits. */
static uint32_t milliseconds(void) {
    static uint32_t last;
    static uint32_t whole;
    static uint32_t rest;
    const uint32_t frequency = osKernelGetTickFreq();
    uint32_t result = osKernelGetTickCount();

    if (frequency != 1000u) {
        const int32_t lock = osKernelLock();
        const uint32_t now = osKernelGetTickCount();
        const uint64_t passed = (uint64_t)(now - last) * 1000u + rest;

        last = now;
        whole += (uint32_t)(passed / frequency);
        rest = (uint32_t)(passed % frequency);
        result = whole;
        (void)osKernelRestoreLock(lock);
    }
    return result;
}

/* Before the kernel runs there is one thread, and time does not pass: calls are counted, each for
 * less than it takes. */
uint32_t unroll_npu_port_ticks(void) {
    static uint32_t early;

    if (!started()) {
        early++;
        return early / CALLS_PER_MS;
    }
    return early / CALLS_PER_MS + milliseconds();
}

int unroll_npu_port_lock(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);

    if (slot == NULL) {
        return 0;
    }
    return !started() || osMutexAcquire(slot->turn, scheduling() ? osWaitForever : 0u) == osOK;
}

void unroll_npu_port_unlock(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);

    if (slot != NULL && started()) {
        (void)osMutexRelease(slot->turn);
    }
}

void unroll_npu_port_sleep(unroll_npu *npu, uint32_t remaining_ms) {
    const struct slot *slot = slot_of(npu);

    if (slot == NULL || !scheduling()) {
        unroll_npu_port_wait(&npu->done);
    } else {
        (void)osSemaphoreAcquire(slot->ended, ticks_of(remaining_ms));
    }
}

void unroll_npu_port_wake(unroll_npu *npu) {
    const struct slot *slot = slot_of(npu);

    if (slot != NULL) {
        (void)osSemaphoreRelease(slot->ended); /* there is one already: nobody has slept since */
    }
}
