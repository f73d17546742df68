/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_parts wide_plus wide_minus wide_left wide_right wide_real */
/* The nearest number to the root of the sum of two squares, by whole numbers. */
static float cpu_magnitude_of(float re, float im) {
    const float most = 3.402823466e+38f;
    int32_t e;
    int32_t f;
    if (re > most || re < -most || im > most || im < -most) {
        const cpu_wide one = {0x8000000000000000ULL, 0u};
        return cpu_wide_real(0u, one, 128);
    }
    if (re != re || im != im) {
        return re + im;
    }
    uint64_t m = cpu_real_parts(re, &e);
    uint64_t l = cpu_real_parts(im, &f);
    if (m == 0u || (l != 0u && f > e)) {
        const uint64_t mantissa = m;
        const int32_t exponent = e;
        m = l;
        e = f;
        l = mantissa;
        f = exponent;
    }
    if (m == 0u) {
        return 0.0f;
    }
    /* Squares of 48 bits, the larger one under two zeros, so that the root of the sum has 63 bits;
     * what falls off the smaller one only tells a tie. */
    const cpu_wide first = {0u, m * m};
    const cpu_wide second = {0u, l * l};
    const cpu_wide least = cpu_wide_left(second, 78u);
    const uint32_t gap = l == 0u ? 0u : (e - f > 63 ? 127u : 2u * (uint32_t)(e - f));
    const cpu_wide kept = cpu_wide_left(cpu_wide_right(least, gap), gap);
    cpu_wide rest = cpu_wide_plus(cpu_wide_left(first, 78u), cpu_wide_right(least, gap));
    cpu_wide root = {0u, 0u};
    for (uint32_t n = 0; n < 64u; n++) {
        cpu_wide bit = {0x4000000000000000ULL, 0u};
        bit = cpu_wide_right(bit, 2u * n);
        const cpu_wide trial = cpu_wide_plus(root, bit);
        root = cpu_wide_right(root, 1u);
        if (rest.hi > trial.hi || (rest.hi == trial.hi && rest.lo >= trial.lo)) {
            rest = cpu_wide_minus(rest, trial);
            root = cpu_wide_plus(root, bit);
        }
    }
    root.hi = root.lo;
    root.lo = (rest.hi | rest.lo) != 0u || kept.hi != least.hi || kept.lo != least.lo ? 1u : 0u;
    return cpu_wide_real(0u, root, e + 24);
}

static void cpu_magnitude(uint8_t *y, const uint8_t *x, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_magnitude_of(cpu_real(x, 2u * i), cpu_real(x, 2u * i + 1u)));
    }
}
