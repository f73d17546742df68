/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_product */
/* The spectrum of every row, whose missing values are 0: half as many complex numbers as there are
 * values are transformed in place, and taken apart into the spectra of even and odd values. The
 * table has cosines and sines of all steps of half a turn. */
static void cpu_spectrum_row(uint8_t *y, const uint8_t *row, uint32_t width, uint32_t half,
                             const uint8_t *turns) {
    for (uint32_t i = 0; i < half; i++) {
        uint32_t at = 0;
        for (uint32_t bit = 1; bit < half; bit *= 2u) {
            at = 2u * at + ((i / bit) & 1u);
        }
        for (uint32_t k = 0; k < 2u; k++) {
            const float value = 2u * i + k < width ? cpu_real(row, 2u * i + k) : 0.0f;
            memcpy(y + 4u * (2u * at + k), &value, sizeof(value));
        }
    }
    for (uint32_t size = 1; size < half; size *= 2u) {
        for (uint32_t i = 0; i < half / 2u; i++) {
            const uint32_t k = i % size;
            const uint32_t a = 2u * (i / size * 2u * size + k);
            const uint32_t b = a + 2u * size;
            const float c = cpu_real(turns, 2u * k * (half / size));
            const float s = cpu_real(turns, 2u * k * (half / size) + 1u);
            const float turned_re =
                cpu_real_product(c, cpu_real(y, b)) + cpu_real_product(s, cpu_real(y, b + 1u));
            const float turned_im =
                cpu_real_product(c, cpu_real(y, b + 1u)) - cpu_real_product(s, cpu_real(y, b));
            const float re = cpu_real(y, a);
            const float im = cpu_real(y, a + 1u);
            cpu_put_real(y, a, re + turned_re);
            cpu_put_real(y, a + 1u, im + turned_im);
            cpu_put_real(y, b, re - turned_re);
            cpu_put_real(y, b + 1u, im - turned_im);
        }
    }
    memcpy(y + 8u * half, y, 8u);
    for (uint32_t k = 0; k <= half / 2u; k++) {
        const uint32_t a = 2u * k;
        const uint32_t b = 2u * (half - k);
        const float c = cpu_real(turns, a);
        const float s = cpu_real(turns, a + 1u);
        const float even_re = cpu_real_product(cpu_real(y, a) + cpu_real(y, b), 0.5f);
        const float even_im = cpu_real_product(cpu_real(y, a + 1u) - cpu_real(y, b + 1u), 0.5f);
        const float odd_re = cpu_real_product(cpu_real(y, a) - cpu_real(y, b), 0.5f);
        const float odd_im = cpu_real_product(cpu_real(y, a + 1u) + cpu_real(y, b + 1u), 0.5f);
        const float turned_re = cpu_real_product(c, odd_re) + cpu_real_product(s, odd_im);
        const float turned_im = cpu_real_product(c, odd_im) - cpu_real_product(s, odd_re);
        cpu_put_real(y, b, even_re - turned_im);
        cpu_put_real(y, b + 1u, -(even_im + turned_re));
        cpu_put_real(y, a, even_re + turned_im);
        cpu_put_real(y, a + 1u, even_im - turned_re);
    }
}

static void cpu_spectrum(uint8_t *y, const uint8_t *x, uint32_t rows, uint32_t width, uint32_t half,
                         const uint8_t *turns) {
    for (uint32_t r = 0; r < rows; r++) {
        cpu_spectrum_row(y + 8u * r * (half + 1u), x + 4u * r * width, width, half, turns);
    }
}
