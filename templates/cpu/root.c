/* SPDX-License-Identifier: Apache-2.0 */
/* needs: high halve double */
/* 1/sqrt(value) as a multiplier m * 2^(e-31): five steps of Newton with 28 bits below the point. */
static void cpu_root(int32_t value, int32_t *m, int32_t *e) {
    int32_t shift = 11;
    if (value <= 1) {
        *m = INT32_MAX;
        *e = 0;
        return;
    }
    for (; value >= 1 << 29; value /= 4) {
        shift++;
    }
    for (; value < 1 << 27; value *= 4) {
        shift--;
    }
    const int32_t half = cpu_halve(value / 2, 1u);
    int32_t y = 1 << 28;
    for (unsigned i = 0; i < 5u; i++) {
        const int32_t cube = cpu_double(cpu_high(cpu_high(y, y), y), 6u);
        y = cpu_double(cpu_high(3 << 27, y) - cpu_high(half, cube), 3u);
    }
    y = cpu_high(y, 1518500250); /* 1/sqrt(2) */
    *m = shift < 0 ? (int32_t)((uint32_t)y << (uint32_t)-shift) : y;
    *e = shift < 0 ? 0 : -shift;
}
