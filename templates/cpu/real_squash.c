/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_parts wide_exp wide_over wide_right wide_real */
/* The nearest number to the hyperbolic tangent, or to the logistic function 1 / (1 + exp(-x)). */
static float cpu_real_squash_of(float value, uint32_t logistic) {
    int32_t exponent;
    int32_t power;
    uint32_t bits;
    cpu_wide one = {0x8000000000000000ULL, 0u};
    memcpy(&bits, &value, sizeof(bits));
    const uint32_t negative = bits >> 31;
    const uint32_t mantissa = cpu_real_parts(value, &exponent);
    if (value != value) {
        return value;
    }
    if (logistic != 0u) {
        if (value > 127.0f || value < -127.0f) {
            return negative != 0u ? 0.0f : 1.0f;
        }
        if (exponent < -48) { /* below 2^-25 */
            return 0.5f;
        }
        const cpu_wide e = cpu_wide_exp(1u, mantissa, exponent, &power);
        cpu_wide above = cpu_wide_right(one, 1u);
        const cpu_wide part = cpu_wide_right(e, (uint32_t)(1 - power));
        if ((part.hi | part.lo) == 0u && negative == 0u) {
            return 1.0f;
        }
        one.hi = above.hi + part.hi;
        one.lo = part.lo;
        if (negative == 0u) {
            return cpu_wide_real(0u, cpu_wide_over(above, one), -1);
        }
        above = cpu_wide_right(e, 2u);
        return cpu_wide_real(0u, cpu_wide_over(above, one), power);
    }
    if (exponent < -35) { /* below 2^-12: x^3/3 is less than half a unit */
        return value;
    }
    if (value > 15.0f || value < -15.0f) {
        return negative != 0u ? -1.0f : 1.0f;
    }
    cpu_wide e = cpu_wide_exp(1u, mantissa, exponent + 1, &power);
    e = cpu_wide_right(e, (uint32_t)(-power));
    const cpu_wide above = cpu_wide_minus(one, e);
    one.hi += e.hi;
    one.lo = e.lo;
    return cpu_wide_real(negative, cpu_wide_over(above, one), -1);
}

static void cpu_real_squash(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t logistic) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_real_squash_of(cpu_real(x, i), logistic));
    }
}
