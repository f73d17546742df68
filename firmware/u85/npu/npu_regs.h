/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the Ethos-U85 that the driver uses: byte offsets and fields. The file of this name
 * for the Ethos-U55/U65 has other ones: the driver is compiled for either. */
#ifndef UNROLL_NPU_REGS_H
#define UNROLL_NPU_REGS_H

#define NPU_WINDOW_BYTES 0x2000u /* the counters lie in the second page */

#define NPU_ID          0x000u
#define NPU_STATUS      0x004u
#define NPU_CMD         0x008u
#define NPU_RESET       0x00Cu
#define NPU_QBASE       0x010u
#define NPU_QBASE_HI    0x014u
#define NPU_QREAD       0x018u
#define NPU_QCONFIG     0x01Cu
#define NPU_QSIZE       0x020u
#define NPU_PROT        0x024u
#define NPU_CONFIG      0x028u
#define NPU_POWER_CTRL  0x038u
#define NPU_REGIONCFG   0x03Cu
#define NPU_MEM_ATTR0   0x040u /* of memory type n: +4n */
#define NPU_AXI_SRAM    0x050u
#define NPU_AXI_EXT     0x054u
#define NPU_BASEP0      0x080u /* region n: low word at +8n, high word at +8n+4 */
#define NPU_PMCR        0x1180u
#define NPU_PMCNTENSET  0x1184u
#define NPU_PMCCNTR     0x11A0u
#define NPU_PMCCNTR_HI  0x11A4u
#define NPU_PMCCNTR_CFG 0x11A8u
#define NPU_PMEVCNTR0   0x1300u /* event counter n: +4n; there are 8, the driver uses 4 */
#define NPU_PMEVTYPER0  0x1380u

/* There is no NPU_STATUS_WEIGHTS: this NPU does not notice a bad weight stream. */
#define NPU_STATUS_RUNNING 0x0001u
#define NPU_STATUS_IRQ     0x0002u
#define NPU_STATUS_BUS     0x0004u
#define NPU_STATUS_RESET   0x0008u
#define NPU_STATUS_PARSE   0x0210u /* a bad command, or a branch out of the stream */
#define NPU_STATUS_END     0x0020u
#define NPU_STATUS_ECC     0x0100u
#define NPU_STATUS_ERRORS  (NPU_STATUS_BUS | NPU_STATUS_PARSE | NPU_STATUS_ECC)

#define NPU_CMD_RUN       0x01u
#define NPU_CMD_CLEAR_IRQ 0x02u
#define NPU_CMD_ALLOW_OFF 0x0Cu /* clock and power may go off */

#define NPU_PROT_LEVEL 0x03u /* same bits as RESET: privileged, non-secure */

/* Fields that must match between a stream's accelerator and the hardware. */
#define NPU_CONFIG_MUST_MATCH 0xF00007FFu /* product, ports, stream version, MACs per cycle */
#define NPU_ID_ARCH_MAJOR     0xF0000000u
#define NPU_ID_ARCH_MINOR     0x0FF00000u

/* What memory types 0 and 1, then 2 and 3 are: shareability in bits 1-0, the port in bit 2, the
 * kind of memory in bits 7-4. As here: not shared, and neither buffered nor cached on the way, as
 * the driver maintains the caches of the CPU. A build may say otherwise. */
#ifndef NPU_MEM_ATTR_SRAM
#define NPU_MEM_ATTR_SRAM 0x00u
#endif
#ifndef NPU_MEM_ATTR_EXT
#define NPU_MEM_ATTR_EXT 0x04u
#endif

/* Of each port: outstanding reads - 1 in bits 5-0, writes - 1 in bits 12-8, bursts of 256 bytes in
 * bits 17-16. */
#ifndef NPU_AXI_SRAM_LIMITS
#define NPU_AXI_SRAM_LIMITS 0x00020F0Bu
#endif
#ifndef NPU_AXI_EXT_LIMITS
#define NPU_AXI_EXT_LIMITS 0x00021F3Fu
#endif

/* The MAC array takes up work in steps of 4 times so many cycles; 0: at once. */
#ifndef NPU_MAC_POWER_RAMP
#define NPU_MAC_POWER_RAMP 0u
#endif

#define NPU_PMCR_ENABLE        0x1u
#define NPU_PMCR_EVENT_RESET   0x2u
#define NPU_PMCR_CYCLE_RESET   0x4u
#define NPU_PMCNTEN_CYCLE      0x80000000u
#define NPU_PMCCNTR_CFG_ACTIVE 0x00200023u /* from event NPU_ACTIVE to NPU_IDLE */

#endif
