/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real activate real_product */
/* Convolutions of real numbers, and products with matrices, which have one position. Sums grow in
 * the order of rows, columns and channels of the window, and the bias comes last. */
static void cpu_real_mac(uint8_t *y, const uint8_t *x, const uint8_t *weights, const uint8_t *bias,
                         uint32_t has_bias, uint32_t activation, const uint32_t *size,
                         const uint32_t *height, const uint32_t *width) {
    const uint32_t batches = size[0];
    const uint32_t channels = size[1];
    const uint32_t outputs = size[2];
    const uint32_t depth = size[3];       /* channels that an output sees */
    const uint32_t sharing = size[4];     /* outputs that see the same ones */
    const uint32_t from_output = size[5]; /* steps in the weights */
    const uint32_t from_place = size[6];
    uint32_t n = 0;
    for (uint32_t b = 0; b < batches; b++) {
        for (uint32_t i = 0; i < height[1] * width[1]; i++) {
            for (uint32_t o = 0; o < outputs; o++) {
                float sum = 0.0f;
                for (uint32_t k = 0; k < height[2] * width[2]; k++) {
                    /* Rows and columns outside are large numbers without a sign. */
                    const uint32_t row =
                        i / width[1] * height[3] + k / width[2] * height[4] - height[5];
                    const uint32_t column =
                        i % width[1] * width[3] + k % width[2] * width[4] - width[5];
                    if (row >= height[0] || column >= width[0]) {
                        continue;
                    }
                    const uint32_t at = ((b * height[0] + row) * width[0] + column) * channels +
                                        o / sharing * depth;
                    for (uint32_t c = 0; c < depth; c++) {
                        const float weight =
                            cpu_real(weights, o * from_output + k * from_place + c);
                        sum = sum + cpu_real_product(cpu_real(x, at + c), weight);
                    }
                }
                if (has_bias != 0u) {
                    sum = sum + cpu_real(bias, o);
                }
                cpu_put_real(y, n, cpu_activate(sum, activation));
                n++;
            }
        }
    }
}
