/* SPDX-License-Identifier: Apache-2.0 */
static int32_t cpu_clamp(int64_t value, int32_t lo, int32_t hi) {
    if (value < lo) {
        return lo;
    }
    return value > hi ? hi : (int32_t)value;
}
