/* SPDX-License-Identifier: Apache-2.0 */
#include "npu_status.h"

/* The linker drops names and texts that a program never asks for. */

const char *unroll_npu_status_name(unroll_npu_status status) {
    switch (status) {
#define STATUS_NAME(name, value, text)                                                             \
    case UNROLL_NPU_##name:                                                                        \
        return #name;
        UNROLL_NPU_STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
    case UNROLL_NPU_STATUS_COUNT:
    default:
        return "UNKNOWN";
    }
}

const char *unroll_npu_strerror(unroll_npu_status status) {
    switch (status) {
#define STATUS_TEXT(name, value, text)                                                             \
    case UNROLL_NPU_##name:                                                                        \
        return text;
        UNROLL_NPU_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
    case UNROLL_NPU_STATUS_COUNT:
    default:
        return "unknown status";
    }
}
