/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_parts wide_times wide_plus wide_minus wide_left wide_right wide_real */
/* The nearest number to the natural logarithm. */
static float cpu_real_log_of(float value) {
    static const cpu_wide odd[22] = { /* 1/(2k+1), 127 bits below the point */
        {0x8000000000000000ULL, 0x0000000000000000ULL},
        {0x2AAAAAAAAAAAAAAAULL, 0xAAAAAAAAAAAAAAAAULL},
        {0x1999999999999999ULL, 0x9999999999999999ULL},
        {0x1249249249249249ULL, 0x2492492492492492ULL},
        {0x0E38E38E38E38E38ULL, 0xE38E38E38E38E38EULL},
        {0x0BA2E8BA2E8BA2E8ULL, 0xBA2E8BA2E8BA2E8BULL},
        {0x09D89D89D89D89D8ULL, 0x9D89D89D89D89D89ULL},
        {0x0888888888888888ULL, 0x8888888888888888ULL},
        {0x0787878787878787ULL, 0x8787878787878787ULL},
        {0x06BCA1AF286BCA1AULL, 0xF286BCA1AF286BCAULL},
        {0x0618618618618618ULL, 0x6186186186186186ULL},
        {0x0590B21642C8590BULL, 0x21642C8590B21642ULL},
        {0x051EB851EB851EB8ULL, 0x51EB851EB851EB85ULL},
        {0x04BDA12F684BDA12ULL, 0xF684BDA12F684BDAULL},
        {0x0469EE58469EE584ULL, 0x69EE58469EE58469ULL},
        {0x0421084210842108ULL, 0x4210842108421084ULL},
        {0x03E0F83E0F83E0F8ULL, 0x3E0F83E0F83E0F83ULL},
        {0x03A83A83A83A83A8ULL, 0x3A83A83A83A83A83ULL},
        {0x03759F22983759F2ULL, 0x2983759F22983759ULL},
        {0x0348348348348348ULL, 0x3483483483483483ULL},
        {0x031F3831F3831F38ULL, 0x31F3831F3831F383ULL},
        {0x02FA0BE82FA0BE82ULL, 0xFA0BE82FA0BE82FAULL},
    };
    int32_t exponent;
    uint32_t bits;
    float result;
    if (value != value || !(value > 0.0f) || value > 3.402823466e+38f) {
        bits = value == 0.0f ? 0xFF800000u : (value > 0.0f ? 0x7F800000u : 0x7FC00000u);
        memcpy(&result, &bits, sizeof(result));
        return result;
    }
    const uint32_t mantissa = cpu_real_parts(value, &exponent);
    const uint32_t near = mantissa > 11863283u ? 0x1000000u : 0x800000u; /* the root of 2 */
    const uint32_t below = mantissa < near ? 1u : 0u;
    exponent += near == 0x1000000u ? 24 : 23;
    /* ln m = 2 artanh((m - 1) / (m + 1)), whose quotient has four digits of 32 bits. */
    uint64_t rest = below != 0u ? near - mantissa : mantissa - near;
    uint32_t digit[4];
    for (uint32_t i = 0; i < 4u; i++) {
        digit[i] = (uint32_t)((rest << 32) / (mantissa + near));
        rest = (rest << 32) % (mantissa + near);
    }
    const cpu_wide s = {((uint64_t)digit[0] << 32) | digit[1],
                        ((uint64_t)digit[2] << 32) | digit[3]};
    const cpu_wide square = cpu_wide_times(s, s);
    cpu_wide sum = odd[21];
    for (uint32_t k = 21; k > 0u; k--) {
        sum = cpu_wide_plus(odd[k - 1u], cpu_wide_times(sum, square));
    }
    sum = cpu_wide_times(sum, s);
    if (exponent == 0) { /* all of its bits count */
        return cpu_wide_real(below, sum, 1);
    }
    sum = cpu_wide_right(sum, 6u); /* twice it, 120 bits below the point */
    const uint64_t times = (uint64_t)(exponent < 0 ? -exponent : exponent);
    const cpu_wide low = cpu_wide_product(0xABC9E3B39803F2F6ULL, times);
    const cpu_wide whole = {0x00B17217F7D1CF79ULL * times + low.hi, low.lo};
    const uint32_t negative = exponent < 0 ? 1u : 0u;
    sum = negative == below ? cpu_wide_plus(whole, sum) : cpu_wide_minus(whole, sum);
    return cpu_wide_real(negative, sum, 7);
}

static void cpu_real_log(uint8_t *y, const uint8_t *x, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_real_log_of(cpu_real(x, i)));
    }
}
