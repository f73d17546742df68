/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real store clamp */
/* The nearest integers, ties away from 0; the zero point for what is no number. */
static void cpu_quantize(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t type, float scale,
                         int32_t zero, int32_t lo, int32_t hi) {
    for (uint32_t i = 0; i < count; i++) {
        const float value = cpu_real(x, i) / scale;
        int32_t result = zero;
        if (value >= 2147483648.0f) {
            result = hi;
        } else if (value < -2147483648.0f) {
            result = lo;
        } else if (value == value) {
            int64_t whole = (int64_t)value;
            const float part = value - (float)whole;
            if (part >= 0.5f) {
                whole++;
            } else if (part <= -0.5f) {
                whole--;
            }
            result = cpu_clamp(whole + zero, lo, hi);
        }
        cpu_store(y, i, type, result);
    }
}
