/* SPDX-License-Identifier: Apache-2.0 */
/* needs: place */
/* Copies runs of bytes from one pattern of places to another. */
static void cpu_move(uint8_t *y, uint32_t dst, const uint8_t *x, uint32_t src, uint32_t run,
                     uint32_t count, uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t from = src + cpu_place(i, rank, shape, shape + rank);
        memcpy(y + dst + cpu_place(i, rank, shape, shape + 2u * rank), x + from, run);
    }
}
