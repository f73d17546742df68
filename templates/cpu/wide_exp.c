/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide_factorials wide_times wide_plus wide_left wide_right */
/* The exponential of mantissa * 2^exponent, from 2^-26 to 128 or below 0, as a number from 1 to 2
 * with 127 bits below the point, and a power of two. */
static cpu_wide cpu_wide_exp(uint32_t negative, uint32_t mantissa, int32_t exponent,
                             int32_t *power) {
    const cpu_wide log2e = {0xB8AA3B295C17F0BBULL, 0xBE87FED0691D3E88ULL};
    const cpu_wide ln2 = {0xB17217F7D1CF79ABULL, 0xC9E3B39803F2F6AFULL};
    const cpu_wide whole = {0u, mantissa};
    const cpu_wide turns =
        cpu_wide_times(cpu_wide_left(whole, (uint32_t)(120 + exponent)), log2e);
    cpu_wide part = cpu_wide_left(turns, 9u);
    *power = (int32_t)(turns.hi >> 55);
    if (negative != 0u) {
        *power = -*power;
        if ((part.hi | part.lo) != 0u) {
            *power -= 1;
            part.hi = ~part.hi + (part.lo == 0u ? 1u : 0u);
            part.lo = ~part.lo + 1u;
        }
    }
    part = cpu_wide_right(cpu_wide_times(part, ln2), 4u);
    cpu_wide sum = cpu_wide_factorials[15];
    for (uint32_t n = 15; n > 0u; n--) {
        sum = cpu_wide_plus(cpu_wide_factorials[n - 1u], cpu_wide_times(sum, part));
    }
    for (uint32_t n = 0; n < 4u; n++) {
        sum = cpu_wide_left(cpu_wide_times(sum, sum), 1u);
    }
    return sum;
}
