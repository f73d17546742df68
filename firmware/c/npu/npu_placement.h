/*
 * Where the linker script puts what the NPU touches. Section names begin like those every linker
 * script knows, so that a foreign script still links; ours places them by name and checks with
 * ASSERT that they are where the NPU can reach them.
 *
 *   UNROLL_NPU_MODEL _Alignas(16) static const uint8_t weights[N] = {...};
 *   UNROLL_NPU_ARENA _Alignas(32) static uint8_t arena[N];
 */
#ifndef UNROLL_NPU_PLACEMENT_H
#define UNROLL_NPU_PLACEMENT_H

#if defined(__GNUC__) || defined(__clang__)
#define UNROLL_NPU_SECTION(name) __attribute__((section(name)))
#else
#error "tell this compiler how to place an object in a named section"
#endif

#define UNROLL_NPU_MODEL      UNROLL_NPU_SECTION(".rodata.unroll_model")      /* flash or DDR */
#define UNROLL_NPU_MODEL_SRAM UNROLL_NPU_SECTION(".rodata.unroll_model_sram") /* copied to SRAM */
#define UNROLL_NPU_ARENA      UNROLL_NPU_SECTION(".bss.unroll_arena")         /* SRAM */
#define UNROLL_NPU_ARENA_DRAM UNROLL_NPU_SECTION(".bss.unroll_dram")          /* DDR */

#endif
