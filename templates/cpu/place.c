/* SPDX-License-Identifier: Apache-2.0 */
/* The offset of place i of a shape, last dimension fastest, in steps of each dimension. */
static uint32_t cpu_place(uint32_t i, uint32_t rank, const uint32_t *shape, const uint32_t *steps) {
    uint32_t at = 0;
    for (uint32_t d = rank; d-- > 0u;) {
        at += i % shape[d] * steps[d];
        i /= shape[d];
    }
    return at;
}
