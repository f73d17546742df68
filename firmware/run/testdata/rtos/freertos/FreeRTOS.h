/* SPDX-License-Identifier: Apache-2.0 */
/* FreeRTOS's interface over the test kernel, as far as npu_rtos_freertos.c and the application of
 * the test use it. */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stddef.h>

#include "test_kernel.h"

#ifdef NARROW_TICKS
typedef uint16_t TickType_t;
#else
typedef uint32_t TickType_t;
#endif
typedef long BaseType_t;
typedef unsigned long UBaseType_t;

#define pdFALSE       ((BaseType_t)0)
#define pdTRUE        ((BaseType_t)1)
#define pdPASS        pdTRUE
#define portMAX_DELAY ((TickType_t)0xFFFFFFFFu)
#ifdef NARROW_TICKS /* they end after two seconds */
#define configTICK_RATE_HZ 32768u
#else
#define configTICK_RATE_HZ ((TickType_t)1000u)
#endif
#define configMINIMAL_STACK_SIZE        256
#define configSUPPORT_STATIC_ALLOCATION 1
#define portYIELD_FROM_ISR(wanted)      ((void)(wanted))

#endif
