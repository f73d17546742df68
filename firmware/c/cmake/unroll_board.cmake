# SPDX-License-Identifier: Apache-2.0
# Sets UNROLL_BOARD_... to the facts of the board that UNROLL_TARGET names, and UNROLL_BOARDS to what
# it may name. UNROLL_BOARD_TARGET is empty when there is no such board.
get_filename_component(UNROLL_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
file(GLOB unroll_boards LIST_DIRECTORIES false "${UNROLL_ROOT}/platform/*/board.cmake")
set(UNROLL_BOARDS "")
set(unroll_chosen "")
foreach(unroll_board IN LISTS unroll_boards)
  include("${unroll_board}")
  list(APPEND UNROLL_BOARDS "${UNROLL_BOARD_TARGET}")
  if(UNROLL_BOARD_TARGET STREQUAL "${UNROLL_TARGET}")
    set(unroll_chosen "${unroll_board}")
  endif()
endforeach()
if(unroll_chosen)
  include("${unroll_chosen}")
else()
  set(UNROLL_BOARD_TARGET "")
endif()
