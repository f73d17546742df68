# SPDX-License-Identifier: Apache-2.0
# For toolchain files: the processor of the board that UNROLL_TARGET names, else a Cortex-M55.
include("${CMAKE_CURRENT_LIST_DIR}/unroll_board.cmake")
if(UNROLL_BOARD_TARGET)
  set(UNROLL_CPU_FLAGS ${UNROLL_BOARD_CPU_FLAGS})
  set(CMAKE_SYSTEM_PROCESSOR ${UNROLL_BOARD_CPU})
else()
  set(UNROLL_CPU_FLAGS -mcpu=cortex-m55 -mthumb -mfloat-abi=hard)
  set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
endif()
