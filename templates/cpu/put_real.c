/* SPDX-License-Identifier: Apache-2.0 */
static void cpu_put_real(uint8_t *p, uint32_t i, float value) {
    memcpy(p + 4u * i, &value, sizeof(value));
}
