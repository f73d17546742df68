/* SPDX-License-Identifier: Apache-2.0 */
/* Two models and one NPU under an operating system: a task for each model, and a third that has a
 * second instance of the first in its arena, run all golden calls, as fast as they can. */
#include <string.h>

#include "one_golden.h"
#include "platform.h"
#include "two_golden.h"

#if defined(USE_FREERTOS)
#include "FreeRTOS.h"
#include "npu_rtos.h"
#include "task.h"
#define DELAY(ms) vTaskDelay(ms)
#elif defined(USE_CMSIS)
#include "cmsis_os2.h"
#include "npu_rtos.h"
#define DELAY(ms) (void)osDelay(ms)
#elif defined(USE_ZEPHYR)
#define NO_RTOS_INIT /* the port has mutex and semaphore */
#include <zephyr/kernel.h>
#define DELAY(ms) (void)k_sleep(K_MSEC(ms))
#endif

static unroll_npu npu;
static one_context first;
static one_context second;
static two_context third;
static uint8_t first_state[ONE_STATE_BYTES];
static uint8_t second_state[ONE_STATE_BYTES];
ONE_ARENA_DEFINE(one_arena);
TWO_ARENA_DEFINE(two_arena);

/* A call with the scheduler suspended never waits for another task: it answers BUSY. */
#if defined(HELD) && defined(USE_FREERTOS)
#define HOLD()    vTaskSuspendAll()
#define RESTORE() (void)xTaskResumeAll()
#elif defined(HELD) && defined(USE_CMSIS)
#define HOLD()    const int32_t held_before = osKernelLock()
#define RESTORE() (void)osKernelRestoreLock(held_before)
#else
#define HOLD()    (void)0
#define RESTORE() (void)0
#endif

static volatile uint32_t refused;
static volatile uint32_t ended[3];
static volatile uint32_t wrong[3];

static void one_task(void *argument) {
    one_context *instance = argument;
    const unsigned self = instance == &first ? 0u : 1u;

    for (uint32_t i = 0; i < ONE_GOLDEN_CALLS; i++) {
        int8_t output[ONE_OUTPUT_SIZE];
        uint8_t state[ONE_STATE_BYTES];
        one_status status = ONE_BUSY;

        while (status == ONE_BUSY) {
            HOLD();
            status = ONE_OK;
            if (one_golden_reset[i] != 0u) {
                status = one_reset_state(instance);
            }
            if (status == ONE_OK) {
                status = one_run(instance, one_golden_input[i], output);
            }
            if (status == ONE_OK) {
                status = one_get_state(instance, state);
            }
            RESTORE();
            if (status == ONE_BUSY) {
                refused = refused + 1u;
                DELAY(1);
#ifndef HELD
                break;
#endif
            }
        }
        if (status != ONE_OK || memcmp(output, one_golden_output[i], sizeof output) != 0 ||
            memcmp(state, one_golden_state[i], sizeof state) != 0) {
            wrong[self] = 1u;
            break;
        }
    }
    ended[self] = 1u;
    for (;;) {
        DELAY(1000);
    }
}

/* Starts, does something else, and waits. */
static void two_task(void *argument) {
    (void)argument;
    for (uint32_t i = 0; i < TWO_GOLDEN_CALLS; i++) {
        int8_t output[TWO_OUTPUT_SIZE];
        two_status status = two_start(&third, two_golden_input[i]);

        if (status == TWO_OK) {
            DELAY(1);
            status = two_wait(&third, 5000, output);
        }
        if (status != TWO_OK || memcmp(output, two_golden_output[i], sizeof output) != 0) {
            wrong[2] = 1u;
            break;
        }
    }
    while (ended[0] == 0u || ended[1] == 0u) {
        DELAY(1);
    }
    uint32_t all = wrong[0] + wrong[1] + wrong[2];
#ifdef HELD
    all += (uint32_t)(refused == 0u); /* the third holds the NPU most of the time */
#else
    all += (uint32_t)(refused != 0u);
#endif
    platform_puts(all == 0u ? "RESULT: PASS calls=" : "RESULT: FAIL calls=");
    platform_put_u32(2u * ONE_GOLDEN_CALLS + TWO_GOLDEN_CALLS);
    platform_puts(" mismatches=");
    platform_put_u32(all);
    platform_puts("\n");
    platform_exit(all == 0u ? 0 : 13);
}

#ifdef USE_ZEPHYR
static void one_thread(void *argument, void *p2, void *p3) {
    (void)p2;
    (void)p3;
    one_task(argument);
}

static void two_thread(void *argument, void *p2, void *p3) {
    (void)p2;
    (void)p3;
    two_task(argument);
}

static K_THREAD_STACK_DEFINE(first_stack, 2048);
static K_THREAD_STACK_DEFINE(second_stack, 2048);
static K_THREAD_STACK_DEFINE(third_stack, 2048);
static struct k_thread threads[3];
#endif

int main(void) {
    platform_init();
#if defined(USE_CMSIS)
    (void)osKernelInitialize();
#endif
#ifndef NO_RTOS_INIT
    if (unroll_npu_rtos_init(&npu) != UNROLL_NPU_OK) {
        platform_exit(14);
    }
#endif
    if (unroll_npu_init(&npu, PLATFORM_NPU_BASE, PLATFORM_NPU_FLAGS) != UNROLL_NPU_OK ||
        one_init(&first, &npu, one_arena, first_state) != ONE_OK ||
        one_init(&second, &npu, one_arena, second_state) != ONE_OK ||
        two_init(&third, &npu, two_arena) != TWO_OK) {
        platform_puts("init\nRESULT: FAIL\n");
        platform_exit(10);
    }
#if defined(USE_FREERTOS)
    (void)xTaskCreate(one_task, "first", 1024, &first, 1, NULL);
    (void)xTaskCreate(one_task, "second", 1024, &second, 1, NULL);
    (void)xTaskCreate(two_task, "third", 1024, NULL, 1, NULL);
    vTaskStartScheduler();
#elif defined(USE_CMSIS)
    (void)osThreadNew(one_task, &first, NULL);
    (void)osThreadNew(one_task, &second, NULL);
    (void)osThreadNew(two_task, NULL, NULL);
    (void)osKernelStart();
#else
    (void)k_thread_create(&threads[0], first_stack, 2048, one_thread, &first, NULL, NULL, 5, 0,
                          K_NO_WAIT);
    (void)k_thread_create(&threads[1], second_stack, 2048, one_thread, &second, NULL, NULL, 5, 0,
                          K_NO_WAIT);
    (void)k_thread_create(&threads[2], third_stack, 2048, two_thread, NULL, NULL, NULL, 5, 0,
                          K_NO_WAIT);
    (void)k_sleep(K_FOREVER);
#endif
    platform_exit(15);
}
