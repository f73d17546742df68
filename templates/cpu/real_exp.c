/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real real_exp_of */
/* Applies the exponential. */
static void cpu_real_exp(uint8_t *y, const uint8_t *x, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        cpu_put_real(y, i, cpu_real_exp_of(cpu_real(x, i)));
    }
}
