/* SPDX-License-Identifier: Apache-2.0 */
/* needs: clamp */
/* a * b / 2^31, ties upwards, saturated. */
static int32_t cpu_high(int32_t a, int32_t b) {
    const int64_t twice = (int64_t)a * b;
    return cpu_clamp((twice + (int64_t)0x40000000) >> 31, INT32_MIN, INT32_MAX);
}
