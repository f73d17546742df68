/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load halve */
/* Interpolates between pixels of int8. A row of the tables is the place before and behind, and how
 * far the output is from the first to the second, in 10 bits. */
static void cpu_bilinear(uint8_t *y, const uint8_t *x, uint32_t batches, uint32_t height,
                         uint32_t width, uint32_t depth, uint32_t out_height, uint32_t out_width,
                         const uint32_t *rows, const uint32_t *cols) {
    for (uint32_t i = 0; i < batches * out_height * out_width * depth; i++) {
        const uint32_t at = i / depth;
        const uint32_t *c = cols + 3u * (at % out_width);
        const uint32_t *r = rows + 3u * (at / out_width % out_height);
        const uint8_t *image = x + at / out_width / out_height * height * width * depth + i % depth;
        int32_t side[2];
        for (unsigned k = 0; k < 2u; k++) {
            const int32_t top = cpu_load(image, (r[0] * width + c[k]) * depth, 1u);
            const int32_t bottom = cpu_load(image, (r[1] * width + c[k]) * depth, 1u);
            side[k] = top * 1024 + (bottom - top) * (int32_t)r[2];
        }
        y[i] = (uint8_t)cpu_halve(side[0] * 1024 + (side[1] - side[0]) * (int32_t)c[2], 20u);
    }
}
