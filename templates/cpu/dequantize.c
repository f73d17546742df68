/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load put_real */
static void cpu_dequantize(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t type, float scale,
                           int32_t zero) {
    for (uint32_t i = 0; i < count; i++) {
        const int32_t value = (int32_t)((uint32_t)cpu_load(x, i, type) - (uint32_t)zero);
        cpu_put_real(y, i, (float)((double)value * (double)scale));
    }
}
