/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's port on a PC: registers go to the process that simulates the NPU, over the socket
 * that UNROLL_NPU_SOCKET names, or over stdin and stdout; the interrupt is a call of the driver's
 * handler. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "npu_driver.h"
#include "npu_link.h"
#include "npu_mmio.h"
#include "npu_port.h"

#ifndef NPU_MMIO_EXTERN
#error "define NPU_MMIO_EXTERN for all files: on this port the NPU's registers are behind a link"
#endif

static unroll_npu *interrupted; /* who handles the interrupt */
static int pending;             /* raised, but delayed: taken in the next wait */

uint32_t unroll_npu_mmio_read(uintptr_t base, uint32_t offset) {
    (void)base;
    return npu_link_read_register(offset);
}

void unroll_npu_mmio_write(uintptr_t base, uint32_t offset, uint32_t value) {
    (void)base;
    npu_link_write_register(offset, value);
}

void npu_link_interrupt(uint32_t level, uint64_t delay) {
    pending = level != 0u;
    if (pending != 0 && delay == 0u && interrupted != NULL) {
        pending = 0;
        unroll_npu_irq_handler(interrupted);
    }
}

static int from_npu = STDIN_FILENO;
static int to_npu = STDOUT_FILENO;

static void say(const char *text) {
    (void)!write(STDERR_FILENO, text, strlen(text));
}

void npu_link_fail(int status) {
    if (status == NPU_LINK_EXIT_READ || status == NPU_LINK_EXIT_WRITE) {
        say(from_npu == STDIN_FILENO
                ? "no NPU on stdin and stdout: start this program with `unroll run --on host`, or "
                  "with `unroll run PROJECT --exec PROGRAM`\n"
                : "no NPU on the socket of UNROLL_NPU_SOCKET: start `unroll sim --listen "
                  "SOCKET`\n");
    }
    exit(status);
}

/* The first message needs to know where to. */
static void find_npu(void) {
    static int looked;
    struct sockaddr_un address;
    const char *path = getenv("UNROLL_NPU_SOCKET");

    if (looked != 0) {
        return;
    }
    looked = 1;
#ifndef UNROLL_SIMULATED
    if (path == NULL && isatty(STDIN_FILENO) == 0) {
        return;
    }
#endif
    if (path == NULL) {
        npu_link_fail(NPU_LINK_EXIT_READ);
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    from_npu = -1;
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path));
        from_npu = socket(AF_UNIX, SOCK_STREAM, 0);
    }
    to_npu = from_npu;
    if (from_npu < 0 ||
        connect(from_npu, (const struct sockaddr *)&address, (socklen_t)sizeof address) != 0) {
        npu_link_fail(NPU_LINK_EXIT_READ);
    }
}

void npu_link_send(const void *bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;

    find_npu();
    while (count > 0u) {
        const ssize_t n = write(to_npu, at, count);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            npu_link_fail(NPU_LINK_EXIT_WRITE);
        }
        at += n;
        count -= (size_t)n;
    }
}

void npu_link_receive(void *bytes, size_t count) {
    unsigned char *at = (unsigned char *)bytes;

    while (count > 0u) {
        const ssize_t n = read(from_npu, at, count);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            npu_link_fail(NPU_LINK_EXIT_READ);
        }
        at += n;
        count -= (size_t)n;
    }
}

/* The link reaches all memory of the process. The caches of a PC are coherent with it, unless a
 * data cache is simulated at its other end. */

#ifdef UNROLL_SHADOW_CACHE

void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) {
    npu_link_cache_clean(address, bytes);
}

void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) {
    npu_link_cache_invalidate(address, bytes);
}

#else

void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) {
    (void)address;
    (void)bytes;
}

void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) {
    (void)address;
    (void)bytes;
}

#endif

void unroll_npu_port_barrier(void) {
}

int unroll_npu_port_reachable(uintptr_t address, size_t bytes) {
    (void)bytes;
    return address != 0u;
}

uint32_t unroll_npu_port_ticks(void) {
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u);
}

void unroll_npu_port_wait(const volatile uint32_t *done) {
    const struct timespec tick = {0, 1000000};

    if (*done != 0u) {
        return;
    }
    if (pending != 0) {
        pending = 0;
        unroll_npu_irq_handler(interrupted);
        return;
    }
    (void)nanosleep(&tick, NULL);
}

void unroll_npu_port_irq_enable(unroll_npu *npu) {
    interrupted = npu;
}
