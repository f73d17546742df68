/* SPDX-License-Identifier: Apache-2.0 */
/* A finite number as mantissa * 2^exponent, with a mantissa of 24 bits unless it is 0. */
static uint32_t cpu_real_parts(float value, int32_t *exponent) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint32_t mantissa = bits & 0x7FFFFFu;
    int32_t e = (int32_t)((bits >> 23) & 0xFFu);
    if (e == 0) {
        for (e = 1; mantissa != 0u && mantissa >> 23 == 0u; e--) {
            mantissa <<= 1;
        }
    } else {
        mantissa |= 0x800000u;
    }
    *exponent = e - 150;
    return mantissa;
}
