# Cortex-M55 with Arm Compiler 6 for the objects and the GNU linker for the image, whose script it
# shares with the other toolchains.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR cortex-m55)
set(CMAKE_C_COMPILER armclang)
set(CMAKE_C_COMPILER_TARGET arm-arm-none-eabi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_EXECUTABLE_SUFFIX_C .elf)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m55 -mthumb -mfloat-abi=hard")
set(CMAKE_C_LINK_EXECUTABLE
    "arm-none-eabi-gcc -mcpu=cortex-m55 -mthumb -mfloat-abi=hard --specs=nano.specs --specs=nosys.specs -nostartfiles <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
