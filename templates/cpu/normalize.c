/* SPDX-License-Identifier: Apache-2.0 */
/* needs: root scale load */
/* Divides every row of int8 by its length. */
static void cpu_normalize(uint8_t *y, const uint8_t *x, uint32_t rows, uint32_t depth,
                          int32_t zero) {
    for (uint32_t r = 0; r < rows; r++) {
        int32_t squares = 0;
        int32_t root;
        int32_t shift;
        for (uint32_t i = 0; i < depth; i++) {
            const int32_t value = cpu_load(x, r * depth + i, 1u) - zero;
            squares += value * value;
        }
        cpu_root(squares, &root, &shift);
        for (uint32_t i = 0; i < depth; i++) {
            const int32_t value = cpu_load(x, r * depth + i, 1u) - zero;
            y[r * depth + i] = (uint8_t)cpu_clamp(cpu_scale(value, root, shift + 7), -128, 127);
        }
    }
}
