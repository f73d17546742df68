# NPU driver, platform and the way an image is linked; the same for every project.
#
#   UNROLL_TARGET  host (default), corstone300-qemu, corstone300-qemu-hook, corstone300-fvp
#   UNROLL_NONSECURE  ON: addresses and NPU in the non-secure world
#   UNROLL_WERROR     ON: a warning stops the build
#   UNROLL_SANITIZE   ON: AddressSanitizer and UBSan (host only)
#
#   unroll_c_options(target)   language level and warnings for a library or an executable
#   unroll_npu                 library: the driver
#   unroll_executable(target)  links a program for UNROLL_TARGET; the file is fw (host) or fw.elf

set(UNROLL_TARGET host CACHE STRING "host, corstone300-qemu, corstone300-qemu-hook or corstone300-fvp")
set_property(CACHE UNROLL_TARGET PROPERTY STRINGS host corstone300-qemu corstone300-qemu-hook corstone300-fvp)
option(UNROLL_NONSECURE "addresses and NPU in the non-secure world" OFF)
option(UNROLL_WERROR "a warning stops the build" ON)
option(UNROLL_SANITIZE "AddressSanitizer and UBSan, host only" OFF)
set(UNROLL_STACK_BYTES 8192 CACHE STRING "stack of the image, a multiple of 8")
set(UNROLL_TIMING "" CACHE STRING "timing adapters of the FVP: empty, U55_HIGH_END or U65_HIGH_END")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "Debug, Release or MinSizeRel" FORCE)
endif()
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

get_filename_component(UNROLL_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

if(UNROLL_TARGET STREQUAL "host")
  set(unroll_definitions NPU_MMIO_EXTERN=1)
elseif(NOT UNROLL_TARGET MATCHES "^corstone300-(qemu|qemu-hook|fvp)$")
  message(FATAL_ERROR "UNROLL_TARGET is \"${UNROLL_TARGET}\": expected host, corstone300-qemu, corstone300-qemu-hook or corstone300-fvp")
elseif(NOT CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "UNROLL_TARGET=${UNROLL_TARGET} needs a cross compiler: add --toolchain cmake/arm-none-eabi-gcc.cmake")
else()
  set(unroll_definitions "")
  if(UNROLL_TARGET STREQUAL "corstone300-qemu-hook")
    list(APPEND unroll_definitions NPU_MMIO_EXTERN=1)
  endif()
  if(UNROLL_TARGET STREQUAL "corstone300-fvp")
    list(APPEND unroll_definitions CORSTONE300_CORE_HZ=25000000u)
  else()
    # Nothing answers at this address on QEMU: the access traps into the bridge.
    list(APPEND unroll_definitions UNROLL_SEMIHOSTING=1
         PLATFORM_NPU_BASE=$<IF:$<BOOL:${UNROLL_NONSECURE}>,0x48110000u,0x58110000u>)
  endif()
  if(UNROLL_TIMING)
    list(APPEND unroll_definitions UNROLL_TIMING_${UNROLL_TIMING}=1)
  endif()
endif()
if(UNROLL_NONSECURE)
  list(APPEND unroll_definitions UNROLL_NONSECURE=1)
endif()

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

add_library(unroll_npu STATIC ${UNROLL_ROOT}/npu/npu_driver.c ${UNROLL_ROOT}/npu/npu_status.c)
unroll_c_options(unroll_npu)
target_include_directories(unroll_npu PUBLIC ${UNROLL_ROOT}/npu)
target_compile_definitions(unroll_npu PUBLIC ${unroll_definitions})

function(unroll_executable target)
  unroll_c_options(${target})
  set(platform ${UNROLL_ROOT}/platform)
  set(sources ${platform}/platform_text.c)
  if(UNROLL_TARGET STREQUAL "host")
    list(APPEND sources ${platform}/host/platform_host.c ${platform}/host/npu_port_host.c
                        ${platform}/link/npu_link.c)
  else()
    list(APPEND sources ${platform}/corstone300/startup.c ${platform}/corstone300/fault.c
                        ${platform}/corstone300/platform_corstone300.c
                        ${platform}/corstone300/npu_port_corstone300.c
                        ${platform}/corstone300/timing_adapter.c)
    if(UNROLL_TARGET MATCHES "qemu")
      set(bridge ${platform}/qemu/npu_bridge.c ${platform}/link/npu_link.c)
      list(APPEND sources ${bridge})
      # They run inside the fault handler, which must not touch floating-point state.
      if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        set_source_files_properties(${bridge} PROPERTIES COMPILE_OPTIONS -mgeneral-regs-only)
      else()
        set_source_files_properties(${bridge} PROPERTIES COMPILE_OPTIONS -mno-implicit-float)
      endif()
    endif()
  endif()
  target_sources(${target} PRIVATE ${sources})
  target_include_directories(${target} PRIVATE ${platform} ${platform}/link ${platform}/corstone300)
  target_link_libraries(${target} PRIVATE unroll_npu)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME fw)
  if(UNROLL_SANITIZE)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
  endif()
  if(NOT UNROLL_TARGET STREQUAL "host")
    set(script ${platform}/corstone300/corstone300.ld)
    set(memory ${platform}/corstone300/memory-$<IF:$<BOOL:${UNROLL_NONSECURE}>,nonsecure,secure>.ld)
    set(map ${CMAKE_CURRENT_BINARY_DIR}/fw.map)
    if(UNROLL_BARE_LINKER)
      target_link_options(${target} PRIVATE --gc-sections --defsym=UNROLL_STACK_BYTES=${UNROLL_STACK_BYTES}
        -Map=${map} -T ${memory} -T ${script})
    else()
      target_link_options(${target} PRIVATE -Wl,--gc-sections -Wl,--fatal-warnings
        -Wl,--defsym=UNROLL_STACK_BYTES=${UNROLL_STACK_BYTES} -Wl,-Map=${map} -T${memory} -T${script})
    endif()
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script}
      ${platform}/corstone300/memory-secure.ld ${platform}/corstone300/memory-nonsecure.ld)
  endif()
endfunction()
