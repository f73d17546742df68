/* SPDX-License-Identifier: Apache-2.0 */
/* needs: scale load store */
/* Integers of another scale and zero point. */
static void cpu_rescale(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t type, uint32_t to,
                        int32_t zero, int32_t zero_out, int32_t m, int32_t e, int32_t lo,
                        int32_t hi) {
    for (uint32_t i = 0; i < count; i++) {
        const int32_t value = (int32_t)((uint32_t)cpu_load(x, i, type) - (uint32_t)zero);
        const int32_t scaled = (int32_t)((uint32_t)cpu_scale(value, m, e) + (uint32_t)zero_out);
        cpu_store(y, i, to, cpu_clamp(scaled, lo, hi));
    }
}
