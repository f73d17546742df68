/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide */
static cpu_wide cpu_wide_minus(cpu_wide a, cpu_wide b) {
    a.hi -= b.hi + (a.lo < b.lo ? 1u : 0u);
    a.lo -= b.lo;
    return a;
}
