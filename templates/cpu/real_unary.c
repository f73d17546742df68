/* SPDX-License-Identifier: Apache-2.0 */
/* needs: real put_real activate real_root real_whole */
/* Applies a function of one real number. */
static void cpu_real_unary(uint8_t *y, const uint8_t *x, uint32_t count, uint32_t function,
                           float alpha, uint32_t activation) {
    for (uint32_t i = 0; i < count; i++) {
        float value = cpu_real(x, i);
        switch (function) {
        case 0u:
            value = value < 0.0f || value == 0.0f ? 0.0f - value : value;
            break;
        case 1u:
            value = -value;
            break;
        case 2u:
            value = value * value;
            break;
        case 3u:
            value = cpu_real_root(value);
            break;
        case 4u:
            value = 1.0f / cpu_real_root(value);
            break;
        case 5u:
        case 6u:
        case 7u:
            value = cpu_real_whole(function, value);
            break;
        case 8u:
            value = value > 0.0f ? value : value * alpha;
            break;
        case 10u:
            value = value > 0.0f ? 1.0f : value < 0.0f ? -1.0f : value;
            break;
        default:
            break;
        }
        cpu_put_real(y, i, cpu_activate(value, activation));
    }
}
