/* SPDX-License-Identifier: Apache-2.0 */
/* Element i of real numbers. */
static float cpu_real(const uint8_t *p, uint32_t i) {
    float value;
    memcpy(&value, p + 4u * i, sizeof(value));
    return value;
}
