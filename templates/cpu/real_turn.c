/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_parts wide_factorials wide_times wide_minus wide_left wide_real */
/* The nearest number to the sine, or a quarter of a turn on to the cosine. */
static float cpu_real_turn_of(float value, uint32_t quarter) {
    static const uint32_t two_over_pi[12] = { /* behind 64 zeros */
        0u,          0u,          0xA2F9836Eu, 0x4E441529u, 0xFC2757D1u, 0xF534DDC0u,
        0xDB629599u, 0x3C439041u, 0xFE5163ABu, 0xDEBBC561u, 0xB7246E3Au, 0x424DD2E0u};
    const cpu_wide half_pi = {0xC90FDAA22168C234ULL, 0xC4C6628B80DC1CD1ULL};
    int32_t exponent;
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if ((bits & 0x7F800000u) == 0x7F800000u) {
        bits = 0x7FC00000u;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    const uint32_t mantissa = cpu_real_parts(value, &exponent);
    if (exponent < -36) { /* below 2^-13 */
        return quarter != 0u ? 1.0f : value;
    }
    /* The turns are a product with 2/pi, of which the bits that make whole turns are left out:
     * six digits of 32 bits, the uppermost two bits of which tell the quarter. */
    const uint32_t from = (uint32_t)(exponent + 62);
    uint32_t digit[6];
    uint64_t carry = 0;
    for (uint32_t k = 6; k > 0u; k--) {
        const uint32_t at = from / 32u + k - 1u;
        const uint64_t pair = ((uint64_t)two_over_pi[at] << 32) | two_over_pi[at + 1u];
        carry += (uint64_t)mantissa * (uint32_t)(pair << (from % 32u) >> 32);
        digit[k - 1u] = (uint32_t)carry;
        carry >>= 32;
    }
    cpu_wide part = {((uint64_t)digit[0] << 32) | digit[1], ((uint64_t)digit[2] << 32) | digit[3]};
    part = cpu_wide_left(part, 2u);
    part.lo |= digit[4] >> 30;
    uint32_t turn = digit[0] >> 30;
    uint32_t back = 0u;
    if (part.hi >> 63 != 0u) {
        const cpu_wide none = {0u, 0u};
        part = cpu_wide_minus(none, part);
        turn++;
        back = 1u;
    }
    part = cpu_wide_left(cpu_wide_times(part, half_pi), 1u);
    turn += quarter;
    const uint32_t even = turn & 1u; /* the cosine of the part */
    const cpu_wide square = cpu_wide_times(part, part);
    cpu_wide sum = cpu_wide_factorials[27u + even];
    for (uint32_t n = 27u + even; n >= 2u; n -= 2u) {
        sum = cpu_wide_minus(cpu_wide_factorials[n - 2u], cpu_wide_times(sum, square));
    }
    if (even == 0u) {
        sum = cpu_wide_times(sum, part);
    }
    uint32_t negative = (turn >> 1) & 1u;
    negative ^= even == 0u ? back : 0u;
    negative ^= quarter == 0u ? bits >> 31 : 0u;
    return cpu_wide_real(negative, sum, 0);
}

static void cpu_real_turn(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t quarter) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_real_turn_of(cpu_real(x, i), quarter));
    }
}
