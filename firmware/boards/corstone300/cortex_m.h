/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and instructions of an Armv8.1-M core, as far as the platform uses them. */
#ifndef UNROLL_CORTEX_M_H
#define UNROLL_CORTEX_M_H

#include <stdint.h>

#define CORTEX_M_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SYST_CSR     CORTEX_M_REGISTER(0xE000E010u)
#define SYST_RVR     CORTEX_M_REGISTER(0xE000E014u)
#define SYST_CVR     CORTEX_M_REGISTER(0xE000E018u)
#define NVIC_ISER(n) CORTEX_M_REGISTER(0xE000E100u + 4u * (n))
#define NVIC_ISPR(n) CORTEX_M_REGISTER(0xE000E200u + 4u * (n))
#define NVIC_ICPR(n) CORTEX_M_REGISTER(0xE000E280u + 4u * (n))
#define NVIC_IPR(n)  (*(volatile uint8_t *)(uintptr_t)(0xE000E400u + (n))) /* of interrupt n */
#define SCB_ICSR     CORTEX_M_REGISTER(0xE000ED04u)
#define SCB_VTOR     CORTEX_M_REGISTER(0xE000ED08u)
#define SCB_CCR      CORTEX_M_REGISTER(0xE000ED14u)
#define SCB_CFSR     CORTEX_M_REGISTER(0xE000ED28u)
#define SCB_HFSR     CORTEX_M_REGISTER(0xE000ED2Cu)
#define SCB_MMFAR    CORTEX_M_REGISTER(0xE000ED34u)
#define SCB_BFAR     CORTEX_M_REGISTER(0xE000ED38u)
#define SCB_SFSR     CORTEX_M_REGISTER(0xE000EDE4u)
#define SCB_SFAR     CORTEX_M_REGISTER(0xE000EDE8u)
#define SCB_CCSIDR   CORTEX_M_REGISTER(0xE000ED80u)
#define SCB_CSSELR   CORTEX_M_REGISTER(0xE000ED84u)
#define SCB_ICIALLU  CORTEX_M_REGISTER(0xE000EF50u)
#define SCB_DCIMVAC  CORTEX_M_REGISTER(0xE000EF5Cu)
#define SCB_DCISW    CORTEX_M_REGISTER(0xE000EF60u)
#define SCB_DCCMVAC  CORTEX_M_REGISTER(0xE000EF68u)

#define SYST_CSR_ENABLE    0x1u
#define SYST_CSR_RUN       0x7u /* core clock, interrupt, enable */
#define SCB_ICSR_PENDSTSET (1u << 26)
#define SCB_ICSR_PENDSTCLR (1u << 25)
#define SCB_CCR_DC         (1u << 16) /* data cache on */
#define SCB_CCR_IC         (1u << 17) /* instruction cache on */

static inline void cortex_m_dsb(void) {
    __asm__ volatile("dsb 0xF" ::: "memory");
}

static inline void cortex_m_isb(void) {
    __asm__ volatile("isb 0xF" ::: "memory");
}

static inline void cortex_m_wfi(void) {
    __asm__ volatile("wfi" ::: "memory");
}

/* Masks interrupts and returns the old mask for cortex_m_restore. */
static inline uint32_t cortex_m_mask(void) {
    uint32_t mask;

    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(mask)::"memory");
    return mask;
}

static inline void cortex_m_restore(uint32_t mask) {
    __asm__ volatile("msr primask, %0\n\tisb 0xF" ::"r"(mask) : "memory");
}

#endif
