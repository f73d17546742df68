/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the linker script puts what the NPU touches. Section names begin like those every linker
 * script knows, so that a foreign script still links; ours places them by name and checks with
 * ASSERT that they are where the NPU can reach them.
 *
 *   _Alignas(32) UNROLL_NPU_MODEL static const uint8_t weights[N] = {...};
 *   _Alignas(32) UNROLL_NPU_ARENA static uint8_t arena[N];
 *
 * The alignment comes first: that order is right in C and C++ for every compiler. A build may
 * define UNROLL_NPU_SECTION(name), or any of the four below, for a compiler or a memory of its own.
 */
#ifndef UNROLL_NPU_PLACEMENT_H
#define UNROLL_NPU_PLACEMENT_H

#ifndef UNROLL_NPU_SECTION
#if defined(__GNUC__) || defined(__clang__) || defined(__ICCARM__)
#define UNROLL_NPU_SECTION(name) __attribute__((section(name)))
#else
#error "define UNROLL_NPU_SECTION(name): how this compiler places an object in a named section"
#endif
#endif

#ifndef UNROLL_NPU_MODEL /* flash or DDR */
#define UNROLL_NPU_MODEL UNROLL_NPU_SECTION(".rodata.unroll_model")
#endif
#ifndef UNROLL_NPU_MODEL_SRAM /* copied to SRAM at start */
#define UNROLL_NPU_MODEL_SRAM UNROLL_NPU_SECTION(".rodata.unroll_model_sram")
#endif
#ifndef UNROLL_NPU_ARENA /* SRAM */
#define UNROLL_NPU_ARENA UNROLL_NPU_SECTION(".bss.unroll_arena")
#endif
#ifndef UNROLL_NPU_ARENA_DRAM /* DDR */
#define UNROLL_NPU_ARENA_DRAM UNROLL_NPU_SECTION(".bss.unroll_dram")
#endif

#endif
