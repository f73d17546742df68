/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the low bits of a value as element i of integers of the given type. */
static void cpu_store(uint8_t *p, uint32_t i, uint32_t type, int32_t value) {
    const uint32_t bits = (uint32_t)value;
    const uint32_t size = type & 7u;
    for (uint32_t k = 0; k < size; k++) {
        p[size * i + k] = (uint8_t)(bits >> (8u * k));
    }
}
