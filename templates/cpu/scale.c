/* SPDX-License-Identifier: Apache-2.0 */
/* needs: high halve */
/* value * m * 2^(e-31), rounded twice. What a shift to the left pushes out of 32 bits is lost. */
static int32_t cpu_scale(int32_t value, int32_t m, int32_t e) {
    if (e > 0) {
        return e < 32 ? cpu_high((int32_t)((uint32_t)value << (uint32_t)e), m) : 0;
    }
    return cpu_halve(cpu_high(value, m), (uint32_t)-e);
}
