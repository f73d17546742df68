/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load */
/* Finds the first of the greatest (sign 1) or least (-1) values along a dimension. */
static void cpu_arg(uint8_t *y, const uint8_t *x, uint32_t type, uint32_t outer, uint32_t n,
                    uint32_t inner, int32_t sign, uint32_t width) {
    for (uint32_t i = 0; i < outer * inner; i++) {
        const uint32_t first = i / inner * n * inner + i % inner;
        uint32_t best = 0;
        for (uint32_t k = 1; k < n; k++) {
            const int32_t value = cpu_load(x, first + k * inner, type);
            const int32_t most = cpu_load(x, first + best * inner, type);
            if (sign > 0 ? value > most : value < most) {
                best = k;
            }
        }
        const uint64_t index = best;
        memcpy(y + i * width, &index, width);
    }
}
