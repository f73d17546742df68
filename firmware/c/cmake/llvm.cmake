# SPDX-License-Identifier: Apache-2.0
# Cortex-M with clang and lld; C library and libgcc are those of arm-none-eabi-gcc.
set(CMAKE_SYSTEM_NAME Generic)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES UNROLL_TARGET)
include("${CMAKE_CURRENT_LIST_DIR}/unroll_cpu.cmake")
set(CMAKE_C_COMPILER clang)
set(CMAKE_C_COMPILER_TARGET arm-none-eabi)
set(CMAKE_ASM_COMPILER_TARGET arm-none-eabi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXECUTABLE_SUFFIX_C .elf)
set(cpu ${UNROLL_CPU_FLAGS})
execute_process(COMMAND arm-none-eabi-gcc ${cpu} -print-libgcc-file-name
                OUTPUT_VARIABLE libgcc OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND arm-none-eabi-gcc ${cpu} -print-file-name=libc_nano.a
                OUTPUT_VARIABLE libc OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND arm-none-eabi-gcc ${cpu} -E -Wp,-v -xc /dev/null
                ERROR_VARIABLE search OUTPUT_QUIET)
get_filename_component(libgcc "${libgcc}" DIRECTORY)
get_filename_component(libc "${libc}" DIRECTORY)
string(REGEX MATCHALL "\n [^\n]*include[^\n]*" paths "${search}")
set(newlib "")
foreach(path IN LISTS paths)
  string(STRIP "${path}" path)
  if(EXISTS "${path}/newlib.h" OR EXISTS "${path}/_newlib_version.h")
    get_filename_component(path "${path}" REALPATH)
    set(newlib "-isystem ${path}")
  endif()
endforeach()
list(JOIN cpu " " cpu)
set(CMAKE_C_FLAGS_INIT "${cpu} ${newlib}")
set(CMAKE_ASM_FLAGS_INIT "${cpu}")
set(CMAKE_C_LINK_EXECUTABLE
    "ld.lld <LINK_FLAGS> <OBJECTS> -o <TARGET> -L${libgcc} -L${libc} --start-group <LINK_LIBRARIES> -lc_nano -lgcc -lnosys --end-group")
set(UNROLL_BARE_LINKER ON)
