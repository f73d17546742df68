// Package firmware holds the C that is the same in every generated project, as
// real files below c: the NPU driver (c/npu), the platforms it runs on
// (c/platform: Corstone-300 on FVP, FPGA and QEMU, and a PC) and the CMake pieces
// that build them (c/cmake).
//
// In: nothing. Out: Files, a file system that codegen copies into a project.
// Building and running a project is in firmware/run, the wire between a program
// and the simulated NPU in firmware/link.
//
// Open c/npu/npu_driver.h first, then c/cmake/unroll_firmware.cmake.
package firmware
