/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NPU of a program on QEMU, which has none: the process that started QEMU simulates it behind
 * QEMU's own stdin and stdout.
 *
 * The driver is the one that goes to hardware; its register block only lies at an address where
 * there is nothing. Each access is a bus fault; the instruction is decoded here, done over the
 * link, and skipped. With NPU_MMIO_EXTERN the driver calls in here instead (the fallback, should a
 * later QEMU place something at that address).
 *
 * Build with -mgeneral-regs-only: the fault handler must not touch floating-point state.
 */
#include <stddef.h>
#include <stdint.h>

#include "corstone300.h"
#include "cortex_m.h"
#include "npu_link.h"
#include "npu_mmio.h"
#include "npu_regs.h"
#include "platform.h"
#include "semihosting.h"

#define BIT(n)       (1u << (n))
#define NPU_IRQ_WORD (CORSTONE300_IRQ_NPU / 32u)
#define NPU_IRQ_BIT  BIT(CORSTONE300_IRQ_NPU % 32u)

/* The interrupt may come later, as on hardware: then system timer 0 raises it. SysTick is the
 * driver's clock. */
#define COUNTER_CONTROL (*(volatile uint32_t *)(uintptr_t)0x58100000u)
#define TIMER0_TVAL     (*(volatile uint32_t *)(uintptr_t)0x58000028u)
#define TIMER0_CTL      (*(volatile uint32_t *)(uintptr_t)0x5800002Cu)

static void raise_npu(void) {
    NVIC_ISPR(NPU_IRQ_WORD) = NPU_IRQ_BIT;
    cortex_m_dsb();
    cortex_m_isb();
}

void corstone300_system_timer0(void) {
    TIMER0_CTL = 0;
    raise_npu();
}

void npu_link_interrupt(uint32_t level, uint64_t delay) {
    if (level == 0u) {
        TIMER0_CTL = 0;
        NVIC_ICPR(NPU_IRQ_WORD) = NPU_IRQ_BIT;
        cortex_m_dsb();
        cortex_m_isb();
    } else if (delay == 0u) {
        raise_npu();
    } else {
        COUNTER_CONTROL = 1;
        NVIC_ISER(0) = BIT(CORSTONE300_IRQ_SYSTEM_TIMER0);
        TIMER0_TVAL = (uint32_t)delay;
        TIMER0_CTL = 1;
    }
}

/* No text here: when the other side is gone, the console is not read any more either. */
void npu_link_fail(int status) {
    semihosting_exit(status);
    for (;;) {
    }
}

static uint32_t open_console(uint32_t mode) {
    static const char name[] = ":tt";
    uint32_t block[3];

    block[0] = (uint32_t)(uintptr_t)name;
    block[1] = mode;
    block[2] = sizeof name - 1u;
    return semihosting_call(SEMIHOSTING_OPEN, block);
}

/* Moves all bytes; the calls answer how many they did not move. */
static void transfer(uint32_t operation, uint32_t handle, uintptr_t address, size_t count,
                     int failure) {
    while (count > 0u) {
        uint32_t block[3];
        uint32_t left;

        block[0] = handle;
        block[1] = (uint32_t)address;
        block[2] = (uint32_t)count;
        left = semihosting_call(operation, block);
        if (left >= count) {
            npu_link_fail(failure);
        }
        address += count - left;
        count = left;
    }
}

void npu_link_send(const void *bytes, size_t count) {
    static uint32_t handle; /* never 0: those are 1, 2, ... */

    if (handle == 0u) {
        handle = open_console(4);
    }
    transfer(SEMIHOSTING_WRITE, handle, (uintptr_t)bytes, count, NPU_LINK_EXIT_WRITE);
}

void npu_link_receive(void *bytes, size_t count) {
    static uint32_t handle;

    if (handle == 0u) {
        handle = open_console(0);
    }
    transfer(SEMIHOSTING_READ, handle, (uintptr_t)bytes, count, NPU_LINK_EXIT_READ);
}

#ifdef NPU_MMIO_EXTERN

uint32_t unroll_npu_mmio_read(uintptr_t base, uint32_t offset) {
    (void)base;
    return npu_link_read_register(offset);
}

void unroll_npu_mmio_write(uintptr_t base, uint32_t offset, uint32_t value) {
    (void)base;
    npu_link_write_register(offset, value);
}

#else

#define CFSR_PRECISE_BUS_FAULT 0x8200u /* BFARVALID, PRECISERR */
#define HFSR_FORCED            0x40000000u

struct access {
    uint32_t load;
    uint32_t data;      /* number of the register loaded or stored */
    uint32_t bytes;     /* length of the instruction */
    uint32_t base;      /* number of the base register */
    uint32_t adjust;    /* added to the base register afterwards */
    uint32_t writeback; /* whether it is */
};

/* Decodes a 32-bit load or store; 0 for any other instruction. Byte, halfword, double and vector
 * accesses are not decoded on purpose: the driver must not make them. */
static int decode(const uint16_t *at, struct access *access) {
    const uint32_t first = at[0];
    const uint32_t second = at[1];

    access->writeback = 0;
    access->adjust = 0;
    access->base = 0;
    if (first < 0xE800u) {
        access->bytes = 2;
        access->data = first & 7u;
        if ((first >> 12) == 0x6u) { /* immediate */
            access->load = (first >> 11) & 1u;
            return 1;
        }
        if ((first >> 9) == 0x2Cu || (first >> 9) == 0x28u) { /* register */
            access->load = (uint32_t)((first >> 9) == 0x2Cu);
            return 1;
        }
        return 0;
    }
    access->bytes = 4;
    access->data = second >> 12;
    access->base = first & 0xFu;
    access->load = (first >> 4) & 1u;
    if ((first & 0xFFE0u) == 0xF8C0u) { /* 12-bit immediate */
        return 1;
    }
    if ((first & 0xFFE0u) == 0xF840u) { /* 8-bit immediate or register */
        if ((second & 0x0900u) == 0x0900u) {
            const uint32_t offset = second & 0xFFu;

            access->writeback = 1;
            access->adjust = (second & 0x0200u) != 0u ? offset : 0u - offset;
        }
        return 1;
    }
    return 0;
}

/* Where a stacked register lies; null for SP and PC, which no driver access uses. */
static uint32_t *stacked(struct fault_frame *frame, uint32_t number) {
    if (number < 4u) {
        return &frame->core->r0_r3[number];
    }
    if (number < 12u) {
        return &frame->r4_r11[number - 4u];
    }
    if (number == 12u) {
        return &frame->core->r12;
    }
    return number == 14u ? &frame->core->lr : NULL;
}

int corstone300_emulate(struct fault_frame *frame) {
    const uint32_t cfsr = SCB_CFSR;
    const uint32_t offset = SCB_BFAR - PLATFORM_NPU_BASE;
    struct access access;
    uint32_t *data;

    if ((cfsr & CFSR_PRECISE_BUS_FAULT) != CFSR_PRECISE_BUS_FAULT || offset >= NPU_WINDOW_BYTES ||
        (offset % 4u) != 0u || decode((const uint16_t *)(uintptr_t)frame->core->pc, &access) == 0) {
        return 0;
    }
    data = stacked(frame, access.data);
    if (data == NULL) {
        return 0;
    }
    SCB_CFSR = cfsr;
    SCB_HFSR = HFSR_FORCED;
    if (access.writeback != 0u) {
        uint32_t *base = stacked(frame, access.base);

        if (base == NULL) {
            return 0;
        }
        *base += access.adjust;
    }
    if (access.load != 0u) {
        *data = npu_link_read_register(offset);
    } else {
        npu_link_write_register(offset, *data);
    }
    frame->core->pc += access.bytes;
    return 1;
}

#endif
