/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the Ethos-U55/U65 that the driver uses: byte offsets and fields. Projects for an
 * Ethos-U85 have another file of this name. */
#ifndef UNROLL_NPU_REGS_H
#define UNROLL_NPU_REGS_H

#define NPU_WINDOW_BYTES 0x1000u

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
#define NPU_REGIONCFG   0x03Cu
#define NPU_AXI_LIMIT0  0x040u
#define NPU_BASEP0      0x080u /* region n: low word at +8n, high word at +8n+4 */
#define NPU_PMCR        0x180u
#define NPU_PMCNTENSET  0x184u
#define NPU_PMCCNTR     0x1A0u
#define NPU_PMCCNTR_HI  0x1A4u
#define NPU_PMCCNTR_CFG 0x1A8u
#define NPU_PMEVCNTR0   0x300u /* event counter n: +4n */
#define NPU_PMEVTYPER0  0x380u

#define NPU_STATUS_RUNNING 0x0001u
#define NPU_STATUS_IRQ     0x0002u
#define NPU_STATUS_BUS     0x0004u
#define NPU_STATUS_RESET   0x0008u
#define NPU_STATUS_PARSE   0x0010u
#define NPU_STATUS_END     0x0020u
#define NPU_STATUS_WEIGHTS 0x0080u
#define NPU_STATUS_ECC     0x0100u
#define NPU_STATUS_ERRORS  (NPU_STATUS_BUS | NPU_STATUS_PARSE | NPU_STATUS_WEIGHTS | NPU_STATUS_ECC)

#define NPU_CMD_RUN       0x01u
#define NPU_CMD_CLEAR_IRQ 0x02u
#define NPU_CMD_ALLOW_OFF 0x0Cu /* clock and power may go off */

#define NPU_PROT_LEVEL 0x03u /* same bits as RESET: privileged, non-secure */

/* Fields that must match between a stream's accelerator and the hardware. */
#define NPU_CONFIG_MUST_MATCH  0xF00000FFu /* product, stream version, MACs per cycle */
#define NPU_CONFIG_PRODUCT     0xF0000000u
#define NPU_CONFIG_PRODUCT_U65 0x10000000u
#define NPU_ID_ARCH_MAJOR      0xF0000000u
#define NPU_ID_ARCH_MINOR      0x0FF00000u

/* Bursts of 64 bytes and as many outstanding transfers as the ports can have. */
#define NPU_AXI_LIMIT_U55 0x0F1F0000u
#define NPU_AXI_LIMIT_U65 0x1F3F0000u

#define NPU_PMCR_ENABLE        0x1u
#define NPU_PMCR_EVENT_RESET   0x2u
#define NPU_PMCR_CYCLE_RESET   0x4u
#define NPU_PMCNTEN_CYCLE      0x80000000u
#define NPU_PMCCNTR_CFG_ACTIVE 0x00200023u /* from event NPU_ACTIVE to NPU_IDLE */

#endif
