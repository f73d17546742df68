# SPDX-License-Identifier: Apache-2.0
# Cortex-M with Arm Compiler 6 for the objects and the GNU linker for the image, whose script it
# shares with the other toolchains.
set(CMAKE_SYSTEM_NAME Generic)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES UNROLL_TARGET)
include("${CMAKE_CURRENT_LIST_DIR}/unroll_cpu.cmake")
set(CMAKE_C_COMPILER armclang)
set(CMAKE_C_COMPILER_TARGET arm-arm-none-eabi)
set(CMAKE_ASM_COMPILER_TARGET arm-arm-none-eabi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXECUTABLE_SUFFIX_C .elf)
list(JOIN UNROLL_CPU_FLAGS " " cpu)
set(CMAKE_C_FLAGS_INIT "${cpu}")
set(CMAKE_ASM_FLAGS_INIT "${cpu}")
set(CMAKE_C_LINK_EXECUTABLE
    "arm-none-eabi-gcc ${cpu} --specs=nano.specs --specs=nosys.specs -nostartfiles <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
