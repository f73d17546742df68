/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the driver's test program, whose main is another function here, as one
 * of two tasks. */
#include <stddef.h>

#if defined(USE_FREERTOS)
#include "FreeRTOS.h"
#include "task.h"
#elif defined(USE_CMSIS)
#include "cmsis_os2.h"
#elif defined(USE_ZEPHYR)
#include <zephyr/kernel.h>
#endif

#include "test_kernel.h"

int selftest_main(void);

static void program(void *unused) {
    (void)unused;
    (void)selftest_main();
}

/* Always has something to do: who waits is not alone. */
static void other(void *unused) {
    volatile uint32_t work = 0;

    (void)unused;
    for (;;) {
        work = work + 1u;
    }
}

int main(void) {
#if defined(USE_FREERTOS)
    (void)xTaskCreate(program, "program", 1024, NULL, 1, NULL);
    (void)xTaskCreate(other, "other", 1024, NULL, 1, NULL);
    vTaskStartScheduler();
#elif defined(USE_CMSIS)
    (void)osKernelInitialize();
    (void)osThreadNew(program, NULL, NULL);
    (void)osThreadNew(other, NULL, NULL);
    (void)osKernelStart();
#else
    kernel_task(other, NULL); /* main is a task */
    program(NULL);
#endif
    return 0;
}
