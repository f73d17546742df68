/* SPDX-License-Identifier: Apache-2.0 */
/* needs: clamp */
/* value * 2^n, saturated. */
static int32_t cpu_double(int32_t value, uint32_t n) {
    return cpu_clamp((int64_t)value * ((int64_t)1 << n), INT32_MIN, INT32_MAX);
}
