/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Arm's driver wants of a system without an operating system, by means of the board's NPU
 * port: interrupt, caches, remapped addresses, and semaphores that sleep. For versions 0.16.0, from
 * 9670332 of 2022 on, and 1.0.0; see unroll_ethosu.h.
 */
#include "ethosu_board.h"

#include "ethosu_driver.h"
#include "npu_driver.h"
#include "npu_port.h"
#include "platform.h"
#include "unroll_ethosu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Declared here, since not every version's header has them. */
uint64_t ethosu_address_remap(uint64_t address, int index);
void ethosu_semaphore_destroy(void *sem);
#if !UNROLL_ETHOSU_RANGES
void ethosu_set_basep_cache_mask(struct ethosu_driver *drv, uint8_t flush_mask,
                                 uint8_t invalidate_mask) UNROLL_NPU_WEAK;
#endif

/* For the driver's log and assertions. */
void *_sbrk(ptrdiff_t bytes);
int _write(int file, const char *text, int bytes);

#ifdef __cplusplus
}
#endif

static struct ethosu_driver *served;

/* The ports call it; the driver that it belongs to is not in this program. */
void unroll_npu_irq_handler(unroll_npu *npu) {
    (void)npu;
    ethosu_irq_handler(served);
}

static void clean(uintptr_t address, size_t bytes) {
    if (bytes != 0u) {
        unroll_npu_port_cache_clean(address, bytes);
    }
}

static void invalidate(uintptr_t address, size_t bytes) {
    if (bytes != 0u) {
        unroll_npu_port_cache_invalidate(address, bytes);
    }
}

#if UNROLL_ETHOSU_RANGES

void ethosu_board_connect(struct ethosu_driver *drv) {
    served = drv;
    unroll_npu_port_irq_enable(NULL);
}

void ethosu_flush_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                         int num_base_addr) {
    for (int i = 0; i < num_base_addr; i++) {
        clean((uintptr_t)base_addr[i], base_addr_size[i]);
    }
    unroll_npu_port_barrier();
}

void ethosu_invalidate_dcache(const uint64_t *base_addr, const size_t *base_addr_size,
                              int num_base_addr) {
    for (int i = 0; i < num_base_addr; i++) {
        invalidate((uintptr_t)base_addr[i], base_addr_size[i]);
    }
}

#else

/* Some of these versions maintain base 1 alone until ethosu_set_basep_cache_mask tells them
 * otherwise; a sequence has inputs and outputs behind others, too. Those without the function
 * maintain all. */
void ethosu_board_connect(struct ethosu_driver *drv) {
    served = drv;
    if (ethosu_set_basep_cache_mask != NULL) {
        ethosu_set_basep_cache_mask(drv, 0xFFu, 0xFFu);
    }
    unroll_npu_port_irq_enable(NULL);
}

/* No address stands for the whole cache, for bases without sizes; the models give sizes. */
void ethosu_flush_dcache(uint32_t *p, size_t bytes) {
    clean((uintptr_t)p, bytes);
    unroll_npu_port_barrier();
}

void ethosu_invalidate_dcache(uint32_t *p, size_t bytes) {
    invalidate((uintptr_t)p, bytes);
}

/* The versions with a mask invalidate before they wait, while the NPU still writes: again, then. */
void ethosu_inference_end(struct ethosu_driver *drv, void *user_arg) {
    (void)user_arg;
    if (ethosu_set_basep_cache_mask == NULL) {
        return;
    }
    for (int i = 0; i < drv->job.num_base_addr; i++) {
        invalidate((uintptr_t)drv->job.base_addr[i], drv->job.base_addr_size[i]);
    }
}

#endif

uint64_t ethosu_address_remap(uint64_t address, int index) {
    (void)index;
    return unroll_npu_port_address((uintptr_t)address);
}

/* One for the list of drivers, and one for each driver. */
struct semaphore {
    volatile uint32_t count;
};

void *ethosu_semaphore_create(void) {
    static struct semaphore all[4];
    static unsigned used;

    return used < sizeof all / sizeof all[0] ? &all[used++] : NULL;
}

void ethosu_semaphore_destroy(void *sem) {
    (void)sem;
}

int ethosu_semaphore_give(void *sem) {
    struct semaphore *s = (struct semaphore *)sem;

    s->count = s->count + 1u;
    return 0;
}

/* Only the interrupt gives, and it comes once a run, so that the count cannot change while it is
 * taken. */
#ifdef ETHOSU_SEMAPHORE_WAIT_FOREVER

/* The timeout, ETHOSU_SEMAPHORE_WAIT_INFERENCE of the driver's build, is in milliseconds here. */
int ethosu_semaphore_take(void *sem, uint64_t timeout) {
    struct semaphore *s = (struct semaphore *)sem;
    const uint32_t start = unroll_npu_port_ticks();

    while (s->count == 0u) {
        if (timeout != ETHOSU_SEMAPHORE_WAIT_FOREVER && unroll_npu_port_ticks() - start > timeout) {
            return -1;
        }
        unroll_npu_port_wait(&s->count);
    }
    s->count = s->count - 1u;
    return 0;
}

#else

/* Versions before a2732ec of 2023 wait for ever, and do not look at the result. */
int ethosu_semaphore_take(void *sem) {
    struct semaphore *s = (struct semaphore *)sem;

    while (s->count == 0u) {
        unroll_npu_port_wait(&s->count);
    }
    s->count = s->count - 1u;
    return 0;
}

#endif

void *_sbrk(ptrdiff_t bytes) {
    static uint64_t heap[512]; /* of words for their alignment */
    static size_t used;
    void *at = (uint8_t *)heap + used;

    if (bytes < 0 || (size_t)bytes > sizeof heap - used) {
        return (void *)-1;
    }
    used += (size_t)bytes;
    return at;
}

int _write(int file, const char *text, int bytes) {
    char one[2] = {0, 0};

    (void)file;
    for (int i = 0; i < bytes; i++) {
        one[0] = text[i];
        platform_puts(one);
    }
    return bytes;
}
