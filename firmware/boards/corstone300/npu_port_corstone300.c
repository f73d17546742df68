/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's port on Corstone-300: caches of a Cortex-M55, interrupt, memories. */
#include "npu_port.h"

#include "corstone300.h"
#include "cortex_m.h"
#include "npu_driver.h"

#define NPU_IRQ_WORD (CORSTONE300_IRQ_NPU / 32u)
#define NPU_IRQ_BIT  (1u << (CORSTONE300_IRQ_NPU % 32u))

/* An operating system is called only from interrupts that are not too urgent: the least urgent. */
#if defined UNROLL_NPU_RTOS && !defined UNROLL_NPU_IRQ_PRIORITY
#define UNROLL_NPU_IRQ_PRIORITY 0xFFu
#endif

static unroll_npu *interrupted;

void corstone300_npu(void) {
    unroll_npu_irq_handler(interrupted);
}

void unroll_npu_port_irq_enable(unroll_npu *npu) {
    interrupted = npu;
#ifdef UNROLL_NPU_IRQ_PRIORITY
    NVIC_IPR(CORSTONE300_IRQ_NPU) = UNROLL_NPU_IRQ_PRIORITY;
#endif
    NVIC_ICPR(NPU_IRQ_WORD) = NPU_IRQ_BIT;
    NVIC_ISER(NPU_IRQ_WORD) = NPU_IRQ_BIT;
}

/* WFI wakes for a pending interrupt even while it is masked, so none is lost between test and
 * sleep. It is taken when the mask is restored, or here when the caller had masked it. */
void unroll_npu_port_wait(const volatile uint32_t *done) {
    const uint32_t mask = cortex_m_mask();

    if (*done == 0u) {
        cortex_m_dsb();
        cortex_m_wfi();
    }
    if (mask != 0u && (NVIC_ISPR(NPU_IRQ_WORD) & NPU_IRQ_BIT) != 0u) {
        unroll_npu_irq_handler(interrupted);
        NVIC_ICPR(NPU_IRQ_WORD) = NPU_IRQ_BIT;
    }
    cortex_m_restore(mask);
}

void unroll_npu_port_barrier(void) {
    cortex_m_dsb();
}

#ifdef UNROLL_SHADOW_CACHE

/* QEMU has no caches: one is simulated at the other end of the link. */
#include "npu_link.h"

void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) {
    npu_link_cache_clean(address, bytes);
}

void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) {
    npu_link_cache_invalidate(address, bytes);
}

#else

static void each_line(uintptr_t address, size_t bytes, volatile uint32_t *operation) {
    const uintptr_t end = address + bytes;

    if ((SCB_CCR & SCB_CCR_DC) == 0u) {
        return; /* the data cache is off, as after reset */
    }
    cortex_m_dsb();
    for (uintptr_t line = address & ~(uintptr_t)(UNROLL_NPU_CACHE_LINE - 1u); line < end;
         line += UNROLL_NPU_CACHE_LINE) {
        *operation = (uint32_t)line;
    }
    cortex_m_dsb();
    cortex_m_isb();
}

void unroll_npu_port_cache_clean(uintptr_t address, size_t bytes) {
    each_line(address, bytes, &SCB_DCCMVAC);
}

void unroll_npu_port_cache_invalidate(uintptr_t address, size_t bytes) {
    each_line(address, bytes, &SCB_DCIMVAC);
}

#endif

static const struct memory {
    uint32_t start;
    uint32_t bytes;
    uint32_t ports;
    uint32_t offset;
} memories[] = {
#define MEMORY(start, bytes, ports, offset) {start, bytes, ports, offset},
    UNROLL_BOARD_NPU_MEMORIES(MEMORY)
#undef MEMORY
};

/* The memory on the NPU's buses that holds all of [address, address + bytes); null for any other,
 * such as a TCM. */
static const struct memory *memory_of(uintptr_t address, size_t bytes) {
    for (uint32_t i = 0; i < sizeof memories / sizeof memories[0]; i++) {
        const uint32_t offset = (uint32_t)address - memories[i].start;

        if (offset < memories[i].bytes && bytes <= memories[i].bytes - offset) {
            return &memories[i];
        }
    }
    return NULL;
}

int unroll_npu_port_reachable(uintptr_t address, size_t bytes) {
    return memory_of(address, bytes) != NULL;
}

int unroll_npu_port_reaches(uintptr_t address, size_t bytes, uint32_t port) {
    const struct memory *memory = memory_of(address, bytes);

    return memory != NULL && (memory->ports >> port & 1u) != 0u;
}

uint64_t unroll_npu_port_address(uintptr_t address) {
    const struct memory *memory = memory_of(address, 1);

    return memory == NULL ? address : (uint32_t)(address + memory->offset);
}
