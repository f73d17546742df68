/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide */
/* The whole product of two numbers of 64 bits. */
static cpu_wide cpu_wide_product(uint64_t a, uint64_t b) {
    const uint64_t low = 0xFFFFFFFFu;
    const uint64_t ll = (a & low) * (b & low);
    const uint64_t lh = (a & low) * (b >> 32);
    const uint64_t hl = (a >> 32) * (b & low);
    const uint64_t middle = (ll >> 32) + (lh & low) + (hl & low);
    const cpu_wide p = {(a >> 32) * (b >> 32) + (lh >> 32) + (hl >> 32) + (middle >> 32),
                        (middle << 32) | (ll & low)};
    return p;
}

/* The upper half of a product, a few units of the last place too small. */
static cpu_wide cpu_wide_times(cpu_wide a, cpu_wide b) {
    cpu_wide p = cpu_wide_product(a.hi, b.hi);
    const uint64_t x = cpu_wide_product(a.hi, b.lo).hi;
    const uint64_t y = cpu_wide_product(a.lo, b.hi).hi;
    p.lo += x;
    p.hi += p.lo < x ? 1u : 0u;
    p.lo += y;
    p.hi += p.lo < y ? 1u : 0u;
    return p;
}
