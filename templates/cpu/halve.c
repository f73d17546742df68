/* SPDX-License-Identifier: Apache-2.0 */
/* value / 2^n, ties away from zero. */
static int32_t cpu_halve(int32_t value, uint32_t n) {
    const int64_t half = n > 0u ? (int64_t)1 << (n - 1u) : 0;
    const int64_t away = value < 0 && n > 0u ? 1 : 0;
    return (int32_t)((value + half - away) >> n);
}
