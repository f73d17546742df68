/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds down (5), up (6) or to the nearest whole number (7), of two to the even one. */
static float cpu_real_whole(uint32_t function, float value) {
    if (!(value > -8388608.0f && value < 8388608.0f) || value == 0.0f) {
        return value;
    }
    int32_t n = (int32_t)value;
    const float part = value - (float)n;
    if (function == 5u && part < 0.0f) {
        n--;
    } else if (function == 6u && part > 0.0f) {
        n++;
    } else if (function == 7u && (part > 0.5f || (part == 0.5f && n % 2 != 0))) {
        n++;
    } else if (function == 7u && (part < -0.5f || (part == -0.5f && n % 2 != 0))) {
        n--;
    }
    return n == 0 && value < 0.0f ? -0.0f : (float)n;
}
