/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real_parts wide_exp wide_real */
/* The nearest number to the exponential. */
static float cpu_real_exp_of(float value) {
    int32_t exponent;
    int32_t power;
    if (value < -128.0f) {
        return 0.0f;
    }
    if (!(value <= 128.0f)) { /* too large, or no number */
        const cpu_wide one = {0x8000000000000000ULL, 0u};
        return value != value ? value : cpu_wide_real(0u, one, 128);
    }
    const uint32_t mantissa = cpu_real_parts(value, &exponent);
    if (exponent < -49) {
        return 1.0f;
    }
    const cpu_wide result = cpu_wide_exp(value < 0.0f ? 1u : 0u, mantissa, exponent, &power);
    return cpu_wide_real(0u, result, power);
}
