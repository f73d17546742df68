/* SPDX-License-Identifier: Apache-2.0 */
/* needs: high double */
/* 1/(1+f) of the fraction f of value, of which bit 31 stands for 1, in 31 bits: three steps of
 * Newton. */
static int32_t cpu_inverse(uint32_t value) {
    const int32_t half = (int32_t)(((int64_t)(value & 0x7FFFFFFFu) + INT32_MAX + 1) / 2);
    int32_t y = 1515870810 + cpu_high(half, -1010580540); /* 48/17 - 32/17 half, in 29 bits */
    for (unsigned i = 0; i < 3u; i++) {
        y += cpu_double(cpu_high(y, (1 << 29) - cpu_high(half, y)), 2u);
    }
    return cpu_double(y, 1u);
}
