/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of Zephyr's interface leave to a source file. */
#include <zephyr/cache.h>
#include <zephyr/irq.h>
#include <zephyr/kernel.h>

#include "corstone300.h"
#include "cortex_m.h"

#undef main

static void (*connected)(const void *);
static const void *connected_argument;

void corstone300_npu(void) {
    connected(connected_argument);
}

void corstone300_systick(void) {
}

void kernel_connect(unsigned irq, void (*handler)(const void *), const void *argument) {
    (void)irq;
    connected = handler;
    connected_argument = argument;
}

void irq_enable(unsigned irq) {
    NVIC_ICPR(irq / 32u) = 1u << (irq % 32u);
    NVIC_ISER(irq / 32u) = 1u << (irq % 32u);
}

int sys_cache_data_flush_range(void *address, size_t bytes) {
    (void)address;
    (void)bytes;
    return 0;
}

int sys_cache_data_invd_range(void *address, size_t bytes) {
    (void)address;
    (void)bytes;
    return 0;
}

void kernel_thread(void *thread) {
    const struct k_thread *t = thread;

    t->entry(t->argument[0], t->argument[1], t->argument[2]);
    for (;;) {
        kernel_sleep(KERNEL_FOREVER);
    }
}

static void main_thread(void *unused) {
    (void)unused;
    (void)zephyr_main();
    for (;;) {
        kernel_sleep(KERNEL_FOREVER);
    }
}

int main(void) {
    kernel_task(main_thread, NULL);
    kernel_start();
    return 0;
}
