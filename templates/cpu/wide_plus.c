/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide */
static cpu_wide cpu_wide_plus(cpu_wide a, cpu_wide b) {
    a.lo += b.lo;
    a.hi += b.hi + (a.lo < b.lo ? 1u : 0u);
    return a;
}
