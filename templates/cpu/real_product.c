/* SPDX-License-Identifier: Apache-2.0 */
/* A product that is rounded before it is added to anything: compilers that may fuse the two
 * cannot see through the variable. */
static float cpu_real_product(float a, float b) {
    volatile float product = a * b;
    return product;
}
