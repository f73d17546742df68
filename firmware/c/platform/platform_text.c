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
