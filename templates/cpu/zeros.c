/* SPDX-License-Identifier: Apache-2.0 */
/* Zeros in front of a value above 0. */
static int32_t cpu_zeros(int32_t value) {
    int32_t n = 0;
    for (uint32_t bits = (uint32_t)value; (bits & 0x80000000u) == 0u; bits <<= 1) {
        n++;
    }
    return n;
}
