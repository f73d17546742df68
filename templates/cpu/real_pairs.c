/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real activate place */
/* Applies an operator to pairs of real numbers. */
static void cpu_real_pairs(uint8_t *y, const uint8_t *a, const uint8_t *b, uint32_t function,
                           uint32_t activation, uint32_t count, uint32_t rank,
                           const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const float u = cpu_real(a, cpu_place(i, rank, shape, shape + rank));
        const float v = cpu_real(b, cpu_place(i, rank, shape, shape + 2u * rank));
        float result;
        switch (function) {
        case 0u:
            result = u + v;
            break;
        case 1u:
            result = u - v;
            break;
        case 2u:
            result = u * v;
            break;
        case 3u:
            result = u / v;
            break;
        case 4u:
            result = u - v;
            result = result * result;
            break;
        case 5u:
            result = u > v ? u : v;
            break;
        default:
            result = u < v ? u : v;
            break;
        }
        cpu_put_real(y, i, cpu_activate(result, activation));
    }
}
