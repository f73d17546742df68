/* SPDX-License-Identifier: Apache-2.0 */
/* needs: sum */
/* Adds tensors of int8. The negated zero point stands for a 0. */
static void cpu_add_n(uint8_t *y, uint32_t count, int32_t zero, int32_t zero_out, int32_t m,
                      int32_t e, uint32_t n, const uint8_t *const *x) {
    for (uint32_t i = 0; i < count; i++) {
        int32_t total = cpu_term(0, zero);
        for (uint32_t k = 0; k < n; k++) {
            total = cpu_add(total, cpu_term(cpu_load(x[k], i, 1u), zero));
        }
        y[i] = cpu_sum(total, zero_out, m, e);
    }
}
