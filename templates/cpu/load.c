/* SPDX-License-Identifier: Apache-2.0 */
/* Element i of integers: type is their size in bytes, and 128 more for unsigned ones. */
static int32_t cpu_load(const uint8_t *p, uint32_t i, uint32_t type) {
    int16_t half;
    int32_t word;
    switch (type) {
    case 1u:
        return (int32_t)(p[i] ^ 0x80u) - 128;
    case 2u:
        memcpy(&half, p + 2u * i, sizeof(half));
        return half;
    case 4u:
        memcpy(&word, p + 4u * i, sizeof(word));
        return word;
    default:
        return p[i];
    }
}
