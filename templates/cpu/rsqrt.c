/* SPDX-License-Identifier: Apache-2.0 */
/* needs: root scale load store */
/* 1/sqrt(x) of int8 or int16; the largest number where there is no root. */
static void cpu_rsqrt(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t type, int32_t zero,
                      int32_t zero_out, int32_t m, int32_t e, int32_t lo, int32_t hi) {
    for (uint32_t i = 0; i < count; i++) {
        const int32_t value = cpu_load(x, i, type) - zero;
        int32_t result = hi;
        if (value > 0) {
            int32_t root;
            int32_t shift;
            cpu_root(value, &root, &shift);
            result = cpu_scale(cpu_scale(1, root, shift + 20), m, e);
            result = cpu_clamp((int64_t)result + zero_out, lo, hi);
        }
        cpu_store(y, i, type, result);
    }
}
