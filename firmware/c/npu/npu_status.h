/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver call can answer: one table gives the codes, names and texts. */
#ifndef UNROLL_NPU_STATUS_H
#define UNROLL_NPU_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text). Values are part of the interface: never renumber, only add. */
#define UNROLL_NPU_STATUS_TABLE(X)                                                                 \
    X(OK, 0, "done")                                                                               \
    X(BUSY, 1, "the NPU is still running")                                                         \
    X(ERR_ARGUMENT, 2, "null pointer, empty stream or too many regions")                           \
    X(ERR_STATE, 3, "not initialised, or nothing was started")                                     \
    X(ERR_NO_NPU, 4, "no NPU at this base address")                                                \
    X(ERR_ACCELERATOR, 5, "CONFIG differs from what the stream was compiled for")                  \
    X(ERR_ARCHITECTURE, 6, "ID shows an architecture version the stream does not fit")             \
    X(ERR_ALIGNMENT, 7, "stream or region not aligned to 16 bytes")                                \
    X(ERR_UNREACHABLE, 8, "stream or region in memory the NPU cannot reach")                       \
    X(ERR_RESET, 9, "soft reset does not complete")                                                \
    X(ERR_PROTECTION, 10, "PROT differs from the requested security and privilege level")          \
    X(ERR_TIMEOUT, 11, "no answer within the timeout")                                             \
    X(ERR_BUS, 12, "bus abort: the NPU touched an address it may not")                             \
    X(ERR_PARSE, 13, "the NPU found a bad command in the stream")                                  \
    X(ERR_WEIGHTS, 14, "the NPU found a bad weight stream")                                        \
    X(ERR_ECC, 15, "error in the NPU's internal memory")                                           \
    X(ERR_INCOMPLETE, 16, "the NPU stopped before the end of the stream")                          \
    X(ERR_INTERRUPT, 17, "the NPU has ended, but its interrupt did not come")

typedef enum unroll_npu_status {
#define UNROLL_NPU_STATUS_ENUM(name, value, text) UNROLL_NPU_##name = (value),
    UNROLL_NPU_STATUS_TABLE(UNROLL_NPU_STATUS_ENUM)
#undef UNROLL_NPU_STATUS_ENUM
        UNROLL_NPU_STATUS_COUNT
} unroll_npu_status;

/* The code's name without prefix, such as "ERR_BUS"; "UNKNOWN" for anything else. Never null. */
const char *unroll_npu_status_name(unroll_npu_status status);

/* One sentence about the code; never null. */
const char *unroll_npu_strerror(unroll_npu_status status);

#ifdef __cplusplus
}
#endif

#endif
