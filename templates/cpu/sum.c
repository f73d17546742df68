/* SPDX-License-Identifier: Apache-2.0 */
/* needs: scale load */
/* A term of a sum of int8 values, in 19 more bits. */
static int32_t cpu_term(int32_t value, int32_t zero) {
    return (value - zero) * (1 << 19);
}

/* The sum of totals in 32 bits: what does not fit them is lost. */
static int32_t cpu_add(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static uint8_t cpu_sum(int32_t total, int32_t zero, int32_t m, int32_t e) {
    return (uint8_t)cpu_clamp((int64_t)cpu_scale(total, m, e) + zero, -128, 127);
}
