/* SPDX-License-Identifier: Apache-2.0 */
/* All that is no number has the same bits. */
static void cpu_put_real(uint8_t *p, uint32_t i, float value) {
    uint32_t bits = 0x7FC00000u;
    if (value == value) {
        memcpy(&bits, &value, sizeof(bits));
    }
    memcpy(p + 4u * i, &bits, sizeof(bits));
}
