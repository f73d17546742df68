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
