/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest number to the square root, by whole numbers: it takes no library. */
static float cpu_real_root(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (bits << 1 == 0u || value != value || bits == 0x7F800000u) {
        return value;
    }
    if (bits >> 31 != 0u) {
        bits = 0x7FC00000u;
        memcpy(&value, &bits, sizeof(value));
        return value;
    }
    int32_t e = (int32_t)(bits >> 23);
    uint64_t m = bits & 0x7FFFFFu;
    if (e == 0) {
        for (e = 1; m >> 23 == 0u; e--) {
            m <<= 1;
        }
    }
    m |= 0x800000u;
    e -= 127;
    if (e % 2 != 0) {
        m <<= 1;
        e--;
    }
    m <<= 25; /* its root has 25 bits, of which the last rounds */
    uint64_t root = 0;
    for (uint64_t b = (uint64_t)1 << 24; b > 0u; b >>= 1) {
        if ((root | b) * (root | b) <= m) {
            root |= b;
        }
    }
    bits = (uint32_t)((root + 1u) >> 1) + ((uint32_t)(e / 2 + 126) << 23);
    memcpy(&value, &bits, sizeof(value));
    return value;
}
