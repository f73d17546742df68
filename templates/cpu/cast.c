/* SPDX-License-Identifier: Apache-2.0 */
/* needs: load store real put_real */
/* Copies numbers, whatever they stand for: 64 more in a type is a real number. */
static void cpu_cast(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t type, uint32_t to) {
    for (uint32_t i = 0; i < count; i++) {
        int32_t value = 0;
        if (type == 68u && to == 68u) {
            cpu_put_real(y, i, cpu_real(x, i));
            continue;
        }
        if (type == 68u) {
            const float real = cpu_real(x, i);
            if (real >= 2147483648.0f) {
                value = INT32_MAX;
            } else if (real < -2147483648.0f) {
                value = INT32_MIN;
            } else if (real == real) {
                value = (int32_t)real;
            }
        } else {
            value = cpu_load(x, i, type);
        }
        if (to == 68u) {
            cpu_put_real(y, i, (float)value);
        } else {
            cpu_store(y, i, to, value);
        }
    }
}
