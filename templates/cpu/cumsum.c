/* SPDX-License-Identifier: Apache-2.0 */
/* needs: sum */
/* Adds up int8 along a dimension. The negated zero point stands for a 0. */
static void cpu_cumsum(uint8_t *y, const uint8_t *x, uint32_t outer, uint32_t n, uint32_t inner,
                       uint32_t reverse, uint32_t exclusive, int32_t zero, int32_t zero_out,
                       int32_t m, int32_t e) {
    for (uint32_t line = 0; line < outer * inner; line++) {
        const uint32_t first = line / inner * n * inner + line % inner;
        int32_t total = cpu_term(0, zero);
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t at = first + (reverse != 0u ? n - 1u - i : i) * inner;
            const int32_t before = total;
            total = cpu_add(total, cpu_term(cpu_load(x, at, 1u), zero));
            y[at] = cpu_sum(exclusive != 0u ? before : total, zero_out, m, e);
        }
    }
}
