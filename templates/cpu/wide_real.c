/* SPDX-License-Identifier: Apache-2.0 */
/* needs: wide wide_left */
/* The nearest real number to value * 2^(power - 127). */
static float cpu_wide_real(uint32_t negative, cpu_wide value, int32_t power) {
    uint32_t bits = 0u;
    float result;
    if ((value.hi | value.lo) != 0u) {
        while (value.hi >> 63 == 0u) {
            value = cpu_wide_left(value, 1u);
            power--;
        }
        const int32_t keep = power < -126 ? 150 + power : 24;
        if (power > 127) {
            bits = 0x7F800000u;
        } else if (keep >= 0) {
            const uint64_t rest = value.hi << (uint32_t)keep;
            bits = (uint32_t)(keep > 0 ? value.hi >> (64u - (uint32_t)keep) : 0u);
            if (power >= -126) {
                bits += (uint32_t)(power + 126) << 23;
            }
            if (rest >> 63 != 0u && ((rest << 1) != 0u || value.lo != 0u || (bits & 1u) != 0u)) {
                bits++;
            }
        }
    }
    bits |= negative << 31;
    memcpy(&result, &bits, sizeof(result));
    return result;
}
