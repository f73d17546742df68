/* SPDX-License-Identifier: Apache-2.0 */
/* needs: scale inverse zeros load place */
/* x / y scaled by m * 2^(e-31), for y other than 0. */
static int32_t cpu_quotient(int32_t x, int32_t y, int32_t m, int32_t e) {
    if (x == 0) {
        return 0;
    }
    if (y < 0) {
        x = -x;
        y = -y;
    }
    const int32_t room = cpu_zeros(y);
    const int32_t head = cpu_zeros(x < 0 ? -x : x) - 1;
    const int32_t shift = e + room - 31 - head;
    if (shift < -31) {
        return 0;
    }
    return cpu_scale(cpu_high(x * (1 << head), cpu_inverse((uint32_t)y << (uint32_t)room)), m,
                     shift);
}

/* Divides int8 by int8; a divisor of real 0 gives the limit of the dividend's sign. */
static void cpu_divide(uint8_t *y, const uint8_t *a, const uint8_t *b, int32_t zero_a,
                       int32_t zero_b, int32_t zero_out, int32_t m, int32_t e, int32_t lo,
                       int32_t hi, uint32_t count, uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const int32_t u = cpu_load(a, cpu_place(i, rank, shape, shape + rank), 1u) - zero_a;
        const int32_t v = cpu_load(b, cpu_place(i, rank, shape, shape + 2u * rank), 1u) - zero_b;
        int32_t result = u < 0 ? lo : hi;
        if (v != 0 || u == 0) {
            result = cpu_clamp((int64_t)cpu_quotient(u, v, m, e) + zero_out, lo, hi);
        }
        y[i] = (uint8_t)result;
    }
}
