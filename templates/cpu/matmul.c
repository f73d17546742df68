/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load store place scale */
/* Multiplies matrices: step_x and step_y lead from one row, and from one column, to the next. With
 * a shift the multiplier has 16 bits and the sum 64. */
static void cpu_matmul(uint8_t *out, const uint8_t *x, const uint8_t *y, uint32_t type,
                       uint32_t rows, uint32_t cols, uint32_t inner, uint32_t row_x, uint32_t col_x,
                       uint32_t row_y, uint32_t col_y, int32_t zero_x, int32_t zero_y,
                       int32_t zero_out, int32_t m, int32_t e, uint32_t shift, int32_t lo,
                       int32_t hi, uint32_t count, uint32_t rank, const uint32_t *shape) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at_x = cpu_place(i, rank, shape, shape + rank) * rows * inner;
        const uint32_t at_y = cpu_place(i, rank, shape, shape + 2u * rank) * inner * cols;
        for (uint32_t rc = 0; rc < rows * cols; rc++) {
            int64_t total = 0;
            for (uint32_t k = 0; k < inner; k++) {
                const int32_t u = cpu_load(x, at_x + rc / cols * row_x + k * col_x, type) - zero_x;
                const int32_t v = cpu_load(y, at_y + k * row_y + rc % cols * col_y, type) - zero_y;
                total += (int64_t)u * v;
            }
            int32_t result;
            if (shift == 0u) {
                result = cpu_scale((int32_t)(uint32_t)(uint64_t)total, m, e);
            } else {
                result = (int32_t)((total * m + ((int64_t)1 << (shift - 1u))) >> shift);
            }
            cpu_store(out, n, type, cpu_clamp((int64_t)result + zero_out, lo, hi));
            n++;
        }
    }
}
