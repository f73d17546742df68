/* SPDX-License-Identifier: Apache-2.0 */
/* From reset to main. The core starts Secure with everything off: the reset handler may use neither
 * stack nor floating point until it has set them up, so it is written in assembly. */
#include <stddef.h>
#include <stdint.h>

#include "corstone300.h"
#include "cortex_m.h"
#include "platform.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From the linker script; only their addresses mean something. */
extern uint32_t unroll_stack_top[];
extern uint32_t unroll_data_start[];
extern uint32_t unroll_data_end[];
extern const uint32_t unroll_data_load[];
extern uint32_t unroll_model_sram_start[];
extern uint32_t unroll_model_sram_end[];
extern const uint32_t unroll_model_sram_load[];
extern uint32_t unroll_bss_start[];
extern uint32_t unroll_bss_end[];
extern void (*const unroll_init_start[])(void);
extern void (*const unroll_init_end[])(void);

/* C++ forbids to call main by its name. */
int application(void) __asm__("main");

void corstone300_start(void);

struct vector_table {
    uint32_t *stack;
    void (*system[15])(void);
    void (*external[UNROLL_BOARD_INTERRUPTS])(void);
};

extern const struct vector_table corstone300_vectors;

#ifdef __cplusplus
}
#endif

#define HANDLER(irq)                                                                               \
    (irq) == CORSTONE300_IRQ_NPU             ? corstone300_npu                                     \
    : (irq) == CORSTONE300_IRQ_SYSTEM_TIMER0 ? corstone300_system_timer0                           \
                                             : corstone300_fault,

__attribute__((section(".vectors"), used)) const struct vector_table corstone300_vectors = {
    unroll_stack_top,
    {corstone300_reset, corstone300_fault, corstone300_fault, corstone300_fault, corstone300_fault,
     corstone300_fault, corstone300_fault, corstone300_fault, corstone300_fault, corstone300_fault,
     SVC_Handler, corstone300_fault, corstone300_fault, PendSV_Handler, SysTick_Handler},
    {UNROLL_BOARD_EACH_INTERRUPT(HANDLER)}};

__attribute__((naked, used)) void corstone300_reset(void) {
    __asm__ volatile("cpsid i                  \n\t"
                     "ldr   r0, =unroll_stack_limit \n\t"
                     "msr   msplim, r0         \n\t"
                     "ldr   r0, =unroll_stack_top   \n\t"
                     "msr   msp, r0            \n\t"
                     "ldr   r0, =0xE000ED88    \n\t" /* CPACR: floating point and MVE on */
                     "ldr   r1, [r0]           \n\t"
                     "orr   r1, r1, #0xF00000  \n\t"
                     "str   r1, [r0]           \n\t"
                     "dsb                      \n\t"
                     "isb                      \n\t"
                     "bl    corstone300_start  \n\t");
}

static size_t words(const uint32_t *start, const uint32_t *end) {
    return ((uintptr_t)end - (uintptr_t)start) / sizeof(uint32_t);
}

static void copy(uint32_t *to, const uint32_t *from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i];
    }
}

/* Both caches on. After reset they hold no valid data, but no promise of that either. */
static void caches_on(void) {
    const uint32_t line_bits = 5; /* lines of 32 bytes */
    uint32_t size;
    uint32_t sets;
    uint32_t ways;
    uint32_t way_shift = 32;

    SCB_ICIALLU = 0;
    SCB_CSSELR = 0; /* level 1, data */
    cortex_m_dsb();
    size = SCB_CCSIDR;
    if (size == 0u) {
        return; /* QEMU has none */
    }
    sets = ((size >> 13) & 0x7FFFu) + 1u;
    ways = ((size >> 3) & 0x3FFu) + 1u;
    for (uint32_t n = 1; n < ways; n <<= 1) {
        way_shift--;
    }
    for (uint32_t set = 0; set < sets; set++) {
        for (uint32_t way = 0; way < ways; way++) {
            SCB_DCISW = (way_shift < 32u ? way << way_shift : 0u) | set << line_bits;
        }
    }
    cortex_m_dsb();
    SCB_CCR |= SCB_CCR_IC | SCB_CCR_DC;
    cortex_m_dsb();
    cortex_m_isb();
}

__attribute__((used)) void corstone300_start(void) {
    const size_t bss = words(unroll_bss_start, unroll_bss_end);
    const size_t constructors =
        ((uintptr_t)unroll_init_end - (uintptr_t)unroll_init_start) / sizeof unroll_init_start[0];

    SCB_VTOR = (uint32_t)(uintptr_t)&corstone300_vectors;
    caches_on();
    copy(unroll_data_start, unroll_data_load, words(unroll_data_start, unroll_data_end));
    copy(unroll_model_sram_start, unroll_model_sram_load,
         words(unroll_model_sram_start, unroll_model_sram_end));
    for (size_t i = 0; i < bss; i++) {
        unroll_bss_start[i] = 0;
    }
    cortex_m_dsb();
    /* Constructors of C++ objects. */
    for (size_t i = 0; i < constructors; i++) {
        unroll_init_start[i]();
    }
    __asm__ volatile("cpsie i" ::: "memory");
    platform_exit(application());
}

/* Any fault and any interrupt that nobody asked for. Clears the stack limit before the first push:
 * after a stack overflow the push would fault again and lock the core up. r0-r3 and lr were
 * stacked by the core. */
__attribute__((naked, used)) void corstone300_fault(void) {
    __asm__ volatile("mrs   r0, msplim         \n\t"
                     "movs  r1, #0             \n\t"
                     "msr   msplim, r1         \n\t"
                     "push  {r4-r11}           \n\t"
                     "mov   r4, r0             \n\t"
                     "mov   r5, lr             \n\t"
                     "mov   r0, sp             \n\t"
                     "add   r1, sp, #32        \n\t" /* the core's frame, unless a task has */
                     "tst   lr, #4             \n\t" /* a stack of its own */
                     "it    ne                 \n\t"
                     "mrsne r1, psp            \n\t"
                     "bl    corstone300_fault_report \n\t"
                     "msr   msplim, r4         \n\t"
                     "mov   lr, r5             \n\t"
                     "pop   {r4-r11}           \n\t"
                     "bx    lr                 \n\t");
}

__attribute__((weak)) void corstone300_system_timer0(void) {
    corstone300_fault_report(NULL, NULL);
}

__attribute__((weak, naked, used)) void SVC_Handler(void) {
    __asm__ volatile("b corstone300_fault");
}

__attribute__((weak, naked, used)) void PendSV_Handler(void) {
    __asm__ volatile("b corstone300_fault");
}

__attribute__((weak)) void SysTick_Handler(void) {
    corstone300_systick();
}
