/* SPDX-License-Identifier: Apache-2.0 */
/* FreeRTOS's interface over the test kernel, as far as npu_rtos_freertos.c and the application of
 * the test use it. */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stddef.h>

#include "test_kernel.h"

typedef uint32_t TickType_t;
typedef long BaseType_t;
typedef unsigned long UBaseType_t;

#define pdFALSE                         ((BaseType_t)0)
#define pdTRUE                          ((BaseType_t)1)
#define pdPASS                          pdTRUE
#define portMAX_DELAY                   ((TickType_t)0xFFFFFFFFu)
#define configTICK_RATE_HZ              ((TickType_t)1000u)
#define configMINIMAL_STACK_SIZE        256
#define configSUPPORT_STATIC_ALLOCATION 1
#define portYIELD_FROM_ISR(wanted)      ((void)(wanted))

#endif
