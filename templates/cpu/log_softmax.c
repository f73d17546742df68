/* SPDX-License-Identifier: Apache-2.0 */
/* needs: scale inverse zeros load */
/* The natural logarithm, with 26 bits below the point, of a number from 1 on with 19. */
static int32_t cpu_log(int32_t value) {
    const int32_t fourth = 1805811301; /* roots of 1/2 in 31 bits */
    const int32_t half = 1518500250;
    const int32_t room = cpu_zeros(value);
    const int32_t head = cpu_zeros(cpu_high(value, half)) - 1;
    const int32_t by_room = cpu_double(cpu_high(cpu_double(value, (uint32_t)(room - 1)), half), 1u);
    const int32_t by_head = cpu_double(value, (uint32_t)head);
    const int32_t power_room =
        cpu_clamp((int64_t)cpu_double(12 - room, 25u) + (1 << 23), INT32_MIN, INT32_MAX);
    const int32_t power_head =
        cpu_clamp((int64_t)cpu_double(12 - head, 25u) - (1 << 23), INT32_MIN, INT32_MAX);
    const int32_t r = by_room < by_head ? by_room : by_head;
    const int32_t power = power_room > power_head ? power_room : power_head;
    const int32_t q = (r - fourth) * 2;
    const int32_t square = cpu_high(q, q);
    const int32_t above = cpu_high(q, r) + cpu_high(cpu_high(q, square), 117049297);
    const int32_t p = (int32_t)(((int64_t)r + fourth + 1) / 2);
    const int32_t sum = 1057819769 + q + cpu_high(127690142, square);
    const int32_t below = cpu_high(p, sum) + cpu_high(638450708, q);
    const int32_t quotient =
        cpu_high(cpu_halve(above, 6u), cpu_inverse((uint32_t)below | 0x80000000u));
    return cpu_double(cpu_high(power, 1488522236) + quotient, 1u);
}

/* The logarithm of the softmax of every row of int8. The tables have the exponential and the value
 * of each difference to the greatest, from -255 on. */
static void cpu_log_softmax(uint8_t *y, const uint8_t *x, uint32_t rows, uint32_t depth,
                            const uint32_t *exps, const uint32_t *diffs, int32_t diff_min,
                            int32_t m, int32_t e) {
    for (uint32_t r = 0; r < rows; r++) {
        int32_t most = -128;
        int32_t total = 0;
        for (uint32_t i = 0; i < depth; i++) {
            const int32_t value = cpu_load(x, r * depth + i, 1u);
            most = value > most ? value : most;
        }
        for (uint32_t i = 0; i < depth; i++) {
            total += (int32_t)exps[cpu_load(x, r * depth + i, 1u) - most + 255];
        }
        const int32_t log = cpu_log(total);
        const int32_t reach = cpu_scale((int32_t)((uint32_t)log ^ 0x80000000u), m, e);
        const int32_t least = reach > diff_min - 1 ? reach : diff_min - 1;
        for (uint32_t i = 0; i < depth; i++) {
            const int32_t diff = cpu_load(x, r * depth + i, 1u) - most;
            int32_t result = -128;
            if (diff > least) {
                const int32_t below = (int32_t)(diffs[diff + 255] - (uint32_t)log);
                result = cpu_clamp((int64_t)cpu_halve(below, 22u) + 127, -128, 127);
            }
            y[r * depth + i] = (uint8_t)result;
        }
    }
}
