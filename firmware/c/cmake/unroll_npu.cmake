# SPDX-License-Identifier: Apache-2.0
# The NPU driver, target unroll_npu or unroll::unroll_npu, once for all models in a build. It is
# compiled as the enclosing project says. With UNROLL_TARGET it takes that board's definitions.
include_guard(DIRECTORY)
option(UNROLL_INSTALL "install rules for models and driver" ON)
# For an application's unit tests on a PC, started by `unroll run PROJECT --exec PROGRAM` or with the
# socket of `unroll sim --listen SOCKET` in UNROLL_NPU_SOCKET.
option(UNROLL_SIMULATED "the NPU is unroll's simulator, and the driver's port is that of a PC" OFF)

if(NOT TARGET unroll_npu)
  get_filename_component(UNROLL_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
  add_library(unroll_npu STATIC "${UNROLL_ROOT}/npu/npu_driver.c"
    "${UNROLL_ROOT}/npu/npu_hooks.c" "${UNROLL_ROOT}/npu/npu_status.c")
  add_library(unroll::unroll_npu ALIAS unroll_npu)
  set_target_properties(unroll_npu PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_include_directories(unroll_npu PUBLIC
    "$<BUILD_INTERFACE:${UNROLL_ROOT}/npu>" $<INSTALL_INTERFACE:include/unroll>)
  target_compile_options(unroll_npu PRIVATE
    $<$<C_COMPILER_ID:GNU,Clang,AppleClang,ARMClang>:-ffunction-sections;-fdata-sections>)
  # The driver's hooks for an operating system: unroll::unroll_npu_freertos or unroll::unroll_npu_cmsis,
  # compiled into the application that links one, with the system's headers.
  foreach(unroll_system freertos cmsis)
    add_library(unroll_npu_${unroll_system} INTERFACE)
    add_library(unroll::unroll_npu_${unroll_system} ALIAS unroll_npu_${unroll_system})
    target_sources(unroll_npu_${unroll_system} INTERFACE
      "$<BUILD_INTERFACE:${UNROLL_ROOT}/rtos/npu_rtos_${unroll_system}.c>"
      "$<INSTALL_INTERFACE:$<INSTALL_PREFIX>/share/unroll/rtos/npu_rtos_${unroll_system}.c>")
    target_include_directories(unroll_npu_${unroll_system} INTERFACE
      "$<BUILD_INTERFACE:${UNROLL_ROOT}/rtos>" $<INSTALL_INTERFACE:share/unroll/rtos>)
    target_link_libraries(unroll_npu_${unroll_system} INTERFACE unroll_npu)
    # For a board's port that is compiled into the same application: the interrupt's priority.
    target_compile_definitions(unroll_npu_${unroll_system} INTERFACE UNROLL_NPU_RTOS=1)
  endforeach()
  if(UNROLL_SIMULATED AND NOT UNROLL_TARGET)
    target_sources(unroll_npu PRIVATE
      "${UNROLL_ROOT}/platform/host/npu_port_host.c" "${UNROLL_ROOT}/platform/link/npu_link.c")
    target_include_directories(unroll_npu PRIVATE "${UNROLL_ROOT}/platform/link")
    target_compile_definitions(unroll_npu PUBLIC NPU_MMIO_EXTERN=1 PRIVATE UNROLL_SIMULATED=1)
  endif()
  if(UNROLL_TARGET)
    include("${CMAKE_CURRENT_LIST_DIR}/unroll_board.cmake")
    if(NOT UNROLL_BOARD_TARGET)
      list(JOIN UNROLL_BOARDS ", " unroll_expected)
      message(FATAL_ERROR "UNROLL_TARGET is \"${UNROLL_TARGET}\": expected one of ${unroll_expected}")
    endif()
    foreach(unroll_options IN LISTS UNROLL_BOARD_OPTIONS)
      include("${unroll_options}")
    endforeach()
    target_compile_definitions(unroll_npu PUBLIC ${UNROLL_BOARD_DEFINITIONS})
  endif()
  if(UNROLL_NONSECURE)
    target_compile_definitions(unroll_npu PUBLIC UNROLL_NONSECURE=1)
  endif()
  if(UNROLL_SHADOW_CACHE)
    target_compile_definitions(unroll_npu PUBLIC UNROLL_SHADOW_CACHE=1)
  endif()
  if(UNROLL_INSTALL)
    file(GLOB unroll_headers "${UNROLL_ROOT}/npu/*.h")
    install(FILES ${unroll_headers} DESTINATION include/unroll)
    install(DIRECTORY "${UNROLL_ROOT}/rtos" DESTINATION share/unroll)
    install(TARGETS unroll_npu unroll_npu_freertos unroll_npu_cmsis EXPORT unroll_npuTargets ARCHIVE DESTINATION lib)
    install(EXPORT unroll_npuTargets NAMESPACE unroll:: DESTINATION lib/cmake/unroll_npu)
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/unroll_npuConfig.cmake"
         "include(\"\${CMAKE_CURRENT_LIST_DIR}/unroll_npuTargets.cmake\")\n")
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/unroll_npuConfig.cmake" DESTINATION lib/cmake/unroll_npu)
  endif()
endif()
