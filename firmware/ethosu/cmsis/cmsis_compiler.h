/* SPDX-License-Identifier: Apache-2.0 */
/* The two intrinsics of CMSIS that Arm's driver uses, for a build without CMSIS. */
#ifndef __CMSIS_COMPILER_H
#define __CMSIS_COMPILER_H

#define __WFE() __asm__ volatile("wfe" ::: "memory")
#define __SEV() __asm__ volatile("sev" ::: "memory")

#endif
