/* SPDX-License-Identifier: Apache-2.0 */
/* needs: scale load */
/* A term of a sum of int8 values, in 19 more bits. */
static int32_t cpu_term(int32_t value, int32_t zero) {
    return (value - zero) * (1 << 19);
}

static uint8_t cpu_sum(int32_t total, int32_t zero, int32_t m, int32_t e) {
    return (uint8_t)cpu_clamp((int64_t)cpu_scale(total, m, e) + zero, -128, 127);
}
