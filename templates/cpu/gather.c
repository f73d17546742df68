/* SPDX-License-Identifier: Apache-2.0 */
/* Picks runs of bytes by indices of 4 or 8 bytes; one outside takes the nearest that there is. */
static void cpu_gather(uint8_t *y, const uint8_t *x, const uint8_t *index, uint32_t groups,
                       uint32_t outer, uint32_t n, uint32_t run, uint32_t picks, uint32_t width) {
    for (uint32_t g = 0; g < groups; g++) {
        for (uint32_t i = 0; i < picks; i++) {
            const uint8_t *p = index + width * (g / outer * picks + i);
            int64_t at;
            int32_t word;
            if (width == 8u) {
                memcpy(&at, p, sizeof(at));
            } else {
                memcpy(&word, p, sizeof(word));
                at = word;
            }
            if (at < 0) {
                at = 0;
            } else if (at >= (int64_t)n) {
                at = (int64_t)n - 1;
            }
            memcpy(y, x + (g * n + (uint32_t)at) * run, run);
            y += run;
        }
    }
}
