/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_exp_of real_product */
/* The softmax of every row: exponentials of the differences to the greatest, over their sum. */
static void cpu_real_softmax(uint8_t *y, const uint8_t *x, uint32_t rows, uint32_t depth,
                             float beta) {
    for (uint32_t r = 0; r < rows; r++) {
        float most = -3.402823466e+38f;
        float sum = 0.0f;
        for (uint32_t i = 0; i < depth; i++) {
            const float value = cpu_real(x, r * depth + i);
            most = most < value ? value : most;
        }
        for (uint32_t i = 0; i < depth; i++) {
            const float below = cpu_real(x, r * depth + i) - most;
            const float part = cpu_real_exp_of(cpu_real_product(below, beta));
            memcpy(y + 4u * (r * depth + i), &part, sizeof(part));
            sum = sum + part;
        }
        for (uint32_t i = 0; i < depth; i++) {
            cpu_put_real(y, r * depth + i, cpu_real(y, r * depth + i) / sum);
        }
    }
}
