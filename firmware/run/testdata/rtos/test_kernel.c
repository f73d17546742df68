/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel on an Armv8-M core, all of it in one security state. A task that waits asks again at
 * its next turn. */
#include "test_kernel.h"

#include "corstone300.h"
#include "cortex_m.h"
#include "npu_driver.h"
#include "platform.h"

#define TASKS       4
#define STACK_WORDS 1024

struct task {
    uint32_t *sp;
    _Alignas(8) uint32_t stack[STACK_WORDS];
};

static struct task tasks[TASKS];
static uint32_t created;
static volatile uint32_t current; /* index of the task that runs */
static volatile uint32_t running;
static volatile uint32_t now;
static volatile uint32_t switches;
static volatile uint32_t held;   /* the scheduler is suspended */
static volatile uint32_t missed; /* a turn ended meanwhile */

void kernel_task(void (*entry)(void *), void *argument) {
    struct task *t = &tasks[created++];
    uint32_t *sp = t->stack + STACK_WORDS;

    *--sp = 1u << 24;                      /* xPSR: Thumb */
    *--sp = (uint32_t)(uintptr_t)entry;    /* PC */
    *--sp = 0;                             /* LR: tasks do not return */
    sp -= 4;                               /* r12, r3, r2, r1 */
    *--sp = (uint32_t)(uintptr_t)argument; /* r0 */
    *--sp = 0xFFFFFFFDu;                   /* EXC_RETURN: thread, process stack, no FP */
    sp -= 8;                               /* r4-r11 */
    t->sp = sp;
}

__attribute__((used)) uint32_t *kernel_first(void) {
    running = 1;
    return tasks[0].sp;
}

__attribute__((used)) uint32_t *kernel_next(uint32_t *sp) {
    if (held != 0u) {
        missed = 1;
        return sp;
    }
    tasks[current].sp = sp;
    current = (current + 1u) % created;
    switches = switches + 1u;
    return tasks[current].sp;
}

__attribute__((naked)) void SVC_Handler(void) {
    __asm__ volatile("bl    kernel_first \n\t"
                     "ldmia r0!, {r4-r11, lr} \n\t"
                     "msr   psp, r0 \n\t"
                     "isb \n\t"
                     "bx    lr \n\t");
}

__attribute__((naked)) void PendSV_Handler(void) {
    __asm__ volatile("mrs   r0, psp \n\t"
                     "tst   lr, #0x10 \n\t"
                     "it    eq \n\t"
                     "vstmdbeq r0!, {s16-s31} \n\t"
                     "stmdb r0!, {r4-r11, lr} \n\t"
                     "cpsid i \n\t"
                     "bl    kernel_next \n\t"
                     "cpsie i \n\t"
                     "ldmia r0!, {r4-r11, lr} \n\t"
                     "tst   lr, #0x10 \n\t"
                     "it    eq \n\t"
                     "vldmiaeq r0!, {s16-s31} \n\t"
                     "msr   psp, r0 \n\t"
                     "isb \n\t"
                     "bx    lr \n\t");
}

/* Nobody may wait for another task while tasks do not change. */
static void yield(void) {
    if (held != 0u) {
        platform_puts("a task waits while the scheduler is suspended\n");
        platform_exit(16);
    }
    SCB_ICSR = 1u << 28;
    cortex_m_dsb();
    cortex_m_isb();
}

void SysTick_Handler(void) {
    if (running == 0u) { /* FreeRTOS would go through lists that it has not made yet */
        platform_puts("a tick before the scheduler starts\n");
        platform_exit(17);
    }
    now = now + 1u;
    SCB_ICSR = 1u << 28;
}

void kernel_start(void) {
    CORTEX_M_REGISTER(0xE000ED20u) = 0xFFFF0000u; /* PendSV and SysTick: lowest priority */
    CORTEX_M_REGISTER(0xE000ED1Cu) = 0xFF000000u; /* SVC likewise */
    SYST_RVR = CORSTONE300_CORE_HZ / 1000u - 1u;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_RUN;
    __asm__ volatile("svc 0");
    for (;;) {
    }
}

int kernel_running(void) {
    return (int)running;
}

uint32_t kernel_ticks(void) {
    return now;
}

uint32_t kernel_hold(void) {
    const uint32_t before = held;

    held = 1;
    return before;
}

/* A turn that ended while the scheduler was suspended ends now, as in the kernels that this one
 * stands for: a task that suspends it again and again does not keep the core. */
void kernel_restore(uint32_t before) {
    held = before;
    if (before == 0u && missed != 0u) {
        missed = 0;
        yield();
    }
}

int kernel_held(void) {
    return (int)held;
}

uint32_t kernel_switches(void) {
    return switches;
}

static int lock_now(struct kernel_mutex *mutex) {
    const uint32_t mask = cortex_m_mask();
    const int got = mutex->owner == 0u || mutex->owner == current + 1u;

    if (got) {
        mutex->owner = current + 1u;
        mutex->count = mutex->count + 1u;
    }
    cortex_m_restore(mask);
    return got;
}

static int take_now(struct kernel_semaphore *semaphore) {
    const uint32_t mask = cortex_m_mask();
    const int got = semaphore->count != 0u;

    if (got) {
        semaphore->count = semaphore->count - 1u;
    }
    cortex_m_restore(mask);
    return got;
}

int kernel_lock(struct kernel_mutex *mutex, uint32_t ticks) {
    const uint32_t start = now;

    while (!lock_now(mutex)) {
        if (ticks != KERNEL_FOREVER && now - start >= ticks) {
            return 0;
        }
        yield();
    }
    return 1;
}

int kernel_unlock(struct kernel_mutex *mutex) {
    const uint32_t mask = cortex_m_mask();
    const int mine = mutex->owner == current + 1u;

    if (mine) {
        mutex->count = mutex->count - 1u;
        if (mutex->count == 0u) {
            mutex->owner = 0;
        }
    }
    cortex_m_restore(mask);
    return mine;
}

int kernel_take(struct kernel_semaphore *semaphore, uint32_t ticks) {
    const uint32_t start = now;

    while (!take_now(semaphore)) {
        if (ticks != KERNEL_FOREVER && now - start >= ticks) {
            return 0;
        }
        yield();
    }
    return 1;
}

#ifdef KERNEL_SYSCALL_PRIORITY
/* Real kernels do not mask interrupts that are more urgent than this: these must not call. */
static void check_caller(void) {
    uint32_t ipsr;

    __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
    if (ipsr >= 16u && NVIC_IPR(ipsr - 16u) < KERNEL_SYSCALL_PRIORITY) {
        platform_puts("an interrupt calls that is too urgent\n");
        platform_exit(18);
    }
}
#endif

int kernel_give(struct kernel_semaphore *semaphore) {
#ifdef KERNEL_SYSCALL_PRIORITY
    check_caller();
#endif
    const uint32_t mask = cortex_m_mask();
    const int room = semaphore->count < semaphore->most;

    if (room) {
        semaphore->count = semaphore->count + 1u;
    }
    cortex_m_restore(mask);
    return room;
}

void kernel_sleep(uint32_t ticks) {
    const uint32_t start = now;

    while (now - start < ticks) {
        yield();
    }
}
