/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide wide_minus wide_left wide_right */
/* The quotient of a number and a larger one, 128 bits below the point. */
static cpu_wide cpu_wide_over(cpu_wide a, cpu_wide b) {
    cpu_wide quotient = {0u, 0u};
    a = cpu_wide_right(a, 1u); /* what is left over has to have a bit to spare */
    b = cpu_wide_right(b, 1u);
    for (uint32_t i = 0; i < 128u; i++) {
        a = cpu_wide_left(a, 1u);
        quotient = cpu_wide_left(quotient, 1u);
        if (a.hi > b.hi || (a.hi == b.hi && a.lo >= b.lo)) {
            a = cpu_wide_minus(a, b);
            quotient.lo |= 1u;
        }
    }
    return quotient;
}
