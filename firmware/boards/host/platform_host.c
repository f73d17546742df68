/* SPDX-License-Identifier: Apache-2.0 */
/* A PC: the console is stderr, since stdout carries the link to the simulated NPU. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform.h"

void platform_init(void) {
}

void platform_puts(const char *text) {
    size_t left = strlen(text);

    while (left > 0u) {
        const ssize_t n = write(STDERR_FILENO, text, left);

        if (n <= 0) {
            return;
        }
        text += n;
        left -= (size_t)n;
    }
}

void platform_exit(int status) {
    exit(status);
}
