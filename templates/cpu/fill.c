/* SPDX-License-Identifier: Apache-2.0 */
/* needs: place */
/* Fills elements of so many bytes with a zero point. */
static void cpu_fill(uint8_t *y, uint32_t dst, uint32_t run, int32_t value, uint32_t count,
                     uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *to = y + dst + cpu_place(i, rank, shape, shape + rank);
        for (uint32_t k = 0; k < run; k++) {
            to[k] = (uint8_t)(k < 4u ? (uint32_t)value >> (8u * k) : 0u);
        }
    }
}
