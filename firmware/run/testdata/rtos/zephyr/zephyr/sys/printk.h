/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ZEPHYR_SYS_PRINTK_H
#define ZEPHYR_SYS_PRINTK_H

void printk(const char *format, ...);

#endif
