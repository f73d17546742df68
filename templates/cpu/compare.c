/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load place scale */
/* What a quantized integer stands for, in 8 more bits; others stand for themselves. */
static int32_t cpu_stands(const uint8_t *p, uint32_t i, uint32_t type, uint32_t quantized,
                          int32_t zero, int32_t m, int32_t e) {
    const int32_t value = cpu_load(p, i, type);
    return quantized != 0u ? cpu_scale((value - zero) * 256, m, e) : value;
}

/* Compares: which is the set of outcomes that give 1, of 1 below, 2 equal and 4 above. */
static void cpu_compare(uint8_t *y, const uint8_t *a, uint32_t quantized_a, int32_t zero_a,
                        int32_t m_a, int32_t e_a, const uint8_t *b, uint32_t quantized_b,
                        int32_t zero_b, int32_t m_b, int32_t e_b, uint32_t type, uint32_t which,
                        uint32_t count, uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const int32_t u = cpu_stands(a, cpu_place(i, rank, shape, shape + rank), type, quantized_a,
                                     zero_a, m_a, e_a);
        const int32_t v = cpu_stands(b, cpu_place(i, rank, shape, shape + 2u * rank), type,
                                     quantized_b, zero_b, m_b, e_b);
        const uint32_t outcome = u < v ? 1u : u == v ? 2u : 4u;
        y[i] = (which & outcome) != 0u ? 1u : 0u;
    }
}
