/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ZEPHYR_CACHE_H
#define ZEPHYR_CACHE_H

#include <stddef.h>

int sys_cache_data_flush_range(void *address, size_t bytes);
int sys_cache_data_invd_range(void *address, size_t bytes);

#endif
