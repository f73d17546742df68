/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real */
/* The real parts (0) or the imaginary parts (1) of complex numbers. */
static void cpu_complex_part(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t which) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_real(x, 2u * i + which));
    }
}
