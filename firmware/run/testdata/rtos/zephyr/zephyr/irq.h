/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ZEPHYR_IRQ_H
#define ZEPHYR_IRQ_H

void kernel_connect(unsigned irq, void (*handler)(const void *), const void *argument);
void irq_enable(unsigned irq);

#define IRQ_CONNECT(irq, priority, handler, argument, flags)                                       \
    ((void)(priority), (void)(flags), kernel_connect(irq, handler, argument))

#endif
