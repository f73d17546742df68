/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real place */
/* Compares real numbers: which is the set of outcomes that give 1, of 1 below, 2 equal and 4 above;
 * what is no number is unlike everything. */
static void cpu_real_compare(uint8_t *y, const uint8_t *a, const uint8_t *b, uint32_t which,
                             uint32_t count, uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const float u = cpu_real(a, cpu_place(i, rank, shape, shape + rank));
        const float v = cpu_real(b, cpu_place(i, rank, shape, shape + 2u * rank));
        uint32_t outcome = 0;
        if (u < v) {
            outcome = 1u;
        } else if (u == v) {
            outcome = 2u;
        } else if (u > v) {
            outcome = 4u;
        }
        y[i] = (which & outcome) != 0u || (which == 5u && outcome == 0u) ? 1u : 0u;
    }
}
