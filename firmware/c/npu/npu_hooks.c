/* SPDX-License-Identifier: Apache-2.0 */
/* The defaults of the hooks in npu_port.h. */
#include "npu_driver.h"
#include "npu_port.h"

UNROLL_NPU_WEAK uint64_t unroll_npu_port_address(uintptr_t address) {
    return address;
}

UNROLL_NPU_WEAK int unroll_npu_port_reaches(uintptr_t address, size_t bytes, uint32_t port) {
    (void)port;
    return unroll_npu_port_reachable(address, bytes);
}

UNROLL_NPU_WEAK void unroll_npu_port_power(struct unroll_npu *npu, int on) {
    (void)npu;
    (void)on;
}

UNROLL_NPU_WEAK int unroll_npu_port_lock(struct unroll_npu *npu) {
    (void)npu;
    return 1;
}

UNROLL_NPU_WEAK void unroll_npu_port_unlock(struct unroll_npu *npu) {
    (void)npu;
}

UNROLL_NPU_WEAK void unroll_npu_port_sleep(struct unroll_npu *npu, uint32_t remaining_ms) {
    (void)remaining_ms;
    unroll_npu_port_wait(&npu->done);
}

UNROLL_NPU_WEAK void unroll_npu_port_wake(struct unroll_npu *npu) {
    (void)npu;
}

UNROLL_NPU_WEAK int unroll_npu_port_intact(const void *data, size_t bytes, uint32_t crc_32) {
    (void)data;
    (void)bytes;
    (void)crc_32;
    return -1;
}
