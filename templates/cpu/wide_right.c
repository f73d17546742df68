/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide */
static cpu_wide cpu_wide_right(cpu_wide a, uint32_t n) {
    if (n >= 64u) {
        a.lo = n < 128u ? a.hi >> (n - 64u) : 0u;
        a.hi = 0u;
    } else if (n > 0u) {
        a.lo = (a.lo >> n) | (a.hi << (64u - n));
        a.hi >>= n;
    }
    return a;
}
