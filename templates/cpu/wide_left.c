/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide */
static cpu_wide cpu_wide_left(cpu_wide a, uint32_t n) {
    if (n >= 64u) {
        a.hi = n < 128u ? a.lo << (n - 64u) : 0u;
        a.lo = 0u;
    } else if (n > 0u) {
        a.hi = (a.hi << n) | (a.lo >> (64u - n));
        a.lo <<= n;
    }
    return a;
}
