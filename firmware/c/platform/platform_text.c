/* SPDX-License-Identifier: Apache-2.0 */
#include "platform.h"

void platform_put_u32(uint32_t value) {
    char text[11];
    char *at = text + sizeof text - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + (char)(value % 10u));
        value /= 10u;
    } while (value != 0u);
    platform_puts(at);
}

void platform_put_hex(uint32_t value) {
    char text[11] = "0x";

    for (uint32_t i = 0; i < 8u; i++) {
        text[2u + i] = "0123456789ABCDEF"[(value >> (28u - 4u * i)) & 0xFu];
    }
    text[10] = '\0';
    platform_puts(text);
}
