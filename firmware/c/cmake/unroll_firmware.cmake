# SPDX-License-Identifier: Apache-2.0
# The platform and the way an image is linked; the same for every project.
#
#   UNROLL_TARGET     the board, host by default: see platform/*/board.cmake
#   UNROLL_NONSECURE  ON: addresses and NPU in the non-secure world
#   UNROLL_WERROR     ON: a warning stops the build
#   UNROLL_SANITIZE   ON: AddressSanitizer and UBSan (host only)
#
#   unroll_c_options(target)   language level and warnings for a library or an executable
#   unroll_npu                 library: the driver
#   unroll_executable(target)  links a program for UNROLL_TARGET
# What an enclosing project has set stays: before CMake's policy CMP0126 a cache entry hides it.
if(NOT DEFINED UNROLL_TARGET)
  set(UNROLL_TARGET host CACHE STRING "the board to build for")
endif()
option(UNROLL_NONSECURE "addresses and NPU in the non-secure world" OFF)
option(UNROLL_WERROR "a warning stops the build" ON)
option(UNROLL_SANITIZE "AddressSanitizer and UBSan, host only" OFF)
option(UNROLL_SHADOW_CACHE "the process that is the NPU is the data cache, too (host, QEMU)" OFF)
if(NOT DEFINED UNROLL_STACK_BYTES)
  set(UNROLL_STACK_BYTES 8192 CACHE STRING "stack of the image, a multiple of 8")
endif()

# How to compile is the business of the top of the build.
if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "Debug, Release or MinSizeRel" FORCE)
  endif()
  set(CMAKE_C_FLAGS_MINSIZEREL "-Os -g")
  set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/unroll_npu.cmake")

function(unroll_c_options target)
  set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    -ffunction-sections -fdata-sections -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion
    -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wdouble-promotion
    -Wformat=2 -Wvla -Wswitch-enum $<$<BOOL:${UNROLL_WERROR}>:-Werror>)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fstack-usage -fcallgraph-info=su)
  endif()
  if(UNROLL_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all)
  endif()
endfunction()

if(CMAKE_SOURCE_DIR STREQUAL CMAKE_CURRENT_SOURCE_DIR)
  unroll_c_options(unroll_npu)
endif()

function(unroll_executable target)
  include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/unroll_board.cmake")
  if(UNROLL_BOARD_TOOLCHAIN AND NOT CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "UNROLL_TARGET=${UNROLL_TARGET} needs a cross compiler: add --toolchain ${UNROLL_BOARD_TOOLCHAIN}")
  endif()
  if(UNROLL_NONSECURE AND UNROLL_BOARD_TOOLCHAIN AND NOT UNROLL_BOARD_NONSECURE)
    message(FATAL_ERROR "UNROLL_NONSECURE: ${UNROLL_TARGET} has no non-secure world")
  endif()
  if(CMAKE_SOURCE_DIR STREQUAL UNROLL_ROOT)
    unroll_c_options(${target})
  endif()
  set(sources "${UNROLL_ROOT}/platform/platform_text.c" ${UNROLL_BOARD_SOURCES})
  foreach(folder IN LISTS UNROLL_BOARD_SOURCE_FOLDERS)
    file(GLOB shared "${folder}/*.c")
    list(APPEND sources ${shared})
  endforeach()
  # They run inside the fault handler, which must not touch floating-point state.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set_source_files_properties(${UNROLL_BOARD_GENERAL_REGISTERS} PROPERTIES COMPILE_OPTIONS -mgeneral-regs-only)
  else()
    set_source_files_properties(${UNROLL_BOARD_GENERAL_REGISTERS} PROPERTIES COMPILE_OPTIONS -mno-implicit-float)
  endif()
  target_sources(${target} PRIVATE ${sources})
  target_include_directories(${target} PRIVATE ${UNROLL_BOARD_INCLUDES})
  target_link_libraries(${target} PRIVATE unroll_npu)
  if(UNROLL_SANITIZE)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
  if(UNROLL_BOARD_TOOLCHAIN)
    set(script ${UNROLL_BOARD_LINKER_SCRIPT})
    set(memory ${UNROLL_BOARD_MEMORY}-$<IF:$<BOOL:${UNROLL_NONSECURE}>,nonsecure,secure>.ld)
    set(map ${CMAKE_CURRENT_BINARY_DIR}/${target}.map)
    if(UNROLL_BARE_LINKER)
      target_link_options(${target} PRIVATE --gc-sections --defsym=UNROLL_STACK_BYTES=${UNROLL_STACK_BYTES}
        -Map=${map} -T ${memory} -T ${script})
    else()
      target_link_options(${target} PRIVATE -Wl,--gc-sections -Wl,--fatal-warnings
        -Wl,--defsym=UNROLL_STACK_BYTES=${UNROLL_STACK_BYTES} -Wl,-Map=${map} -T${memory} -T${script})
    endif()
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script} ${memory})
  endif()
endfunction()
