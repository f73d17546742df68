/* SPDX-License-Identifier: Apache-2.0 */
/* The devicetree of a board with an NPU and two tightly coupled memories, as macros. */
#ifndef ZEPHYR_DEVICETREE_H
#define ZEPHYR_DEVICETREE_H

#define NODE_NPU_ADDR     0x58110000u
#define NODE_NPU_IRQN     56u
#define NODE_NPU_priority 3u
#define NODE_itcm_ADDR    0x10000000u
#define NODE_itcm_SIZE    0x80000u
#define NODE_dtcm_ADDR    0x30000000u
#define NODE_dtcm_SIZE    0x80000u

#define HAS_arm_ethos_u 1

#define DT_JOIN_(a, b)                        a##b
#define DT_JOIN(a, b)                         DT_JOIN_(a, b)
#define DT_HAS_COMPAT_STATUS_OKAY(compat)     DT_JOIN(HAS_, compat)
#define DT_COMPAT_GET_ANY_STATUS_OKAY(compat) NODE_NPU
#define DT_NODELABEL(label)                   DT_JOIN(NODE_, label)
#define DT_NODE_EXISTS(node)                  1
#define DT_REG_ADDR(node)                     DT_JOIN(node, _ADDR)
#define DT_REG_SIZE(node)                     DT_JOIN(node, _SIZE)
#define DT_IRQN(node)                         DT_JOIN(node, _IRQN)
#define DT_IRQ(node, cell)                    DT_JOIN(DT_JOIN(node, _), cell)

#endif
