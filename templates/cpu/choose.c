/* SPDX-License-Identifier: Apache-2.0 */
/* needs: place */
/* Takes each element of n bytes from one of two tensors. */
static void cpu_choose(uint8_t *y, const uint8_t *condition, const uint8_t *yes, const uint8_t *no,
                       uint32_t n, uint32_t count, uint32_t rank, const uint32_t *shape) {
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *from = no + n * cpu_place(i, rank, shape, shape + 3u * rank);
        if (condition[cpu_place(i, rank, shape, shape + rank)] != 0u) {
            from = yes + n * cpu_place(i, rank, shape, shape + 2u * rank);
        }
        memcpy(y + n * i, from, n);
    }
}
