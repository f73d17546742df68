/* SPDX-License-Identifier: Apache-2.0 */
/* Clamps as a fused activation does: 1 from 0, 2 from -1 to 1, 3 from 0 to 6. */
static float cpu_activate(float value, uint32_t activation) {
    const float lo = activation == 2u ? -1.0f : 0.0f;
    const float hi = activation == 2u ? 1.0f : 6.0f;
    if (activation == 0u) {
        return value;
    }
    if (value < lo) {
        return lo;
    }
    return activation != 1u && value > hi ? hi : value;
}
