// SPDX-License-Identifier: Apache-2.0

// Package firmware holds the C that is the same in every generated project, as
// real files below c: the NPU driver (c/npu), what every platform has (c/platform) and
// the CMake pieces that build them (c/cmake). The boards are below boards, a folder
// with a manifest each, which package firmware/board reads.
//
// In: nothing. Out: Files and Boards, file systems that codegen copies into a project.
// Building and running a project is in firmware/run, the wire between a program
// and the simulated NPU in firmware/internal/link.
//
// Open c/npu/npu_driver.h first, then c/cmake/unroll_firmware.cmake.
package firmware
