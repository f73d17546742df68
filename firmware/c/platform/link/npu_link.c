/* SPDX-License-Identifier: Apache-2.0 */
#include "npu_link.h"

#define LINK_VERSION  1u
#define MESSAGE_BYTES 16u
#define CMD_OFFSET    0x008u

struct message {
    uint32_t op;
    uint32_t a;
    uint64_t b;
};

static void put_u32(unsigned char *at, uint32_t value) {
    for (unsigned i = 0; i < 4u; i++) {
        at[i] = (unsigned char)(value >> (8u * i));
    }
}

static uint32_t get_u32(const unsigned char *at) {
    uint32_t value = 0;

    for (unsigned i = 0; i < 4u; i++) {
        value |= (uint32_t)at[i] << (8u * i);
    }
    return value;
}

static void send(uint32_t op, uint32_t a, uint64_t b) {
    unsigned char bytes[MESSAGE_BYTES];

    put_u32(bytes, op);
    put_u32(bytes + 4, a);
    put_u32(bytes + 8, (uint32_t)b);
    put_u32(bytes + 12, (uint32_t)(b >> 32));
    npu_link_send(bytes, sizeof bytes);
}

static struct message receive(void) {
    unsigned char bytes[MESSAGE_BYTES];
    struct message m;

    npu_link_receive(bytes, sizeof bytes);
    m.op = get_u32(bytes);
    m.a = get_u32(bytes + 4);
    m.b = get_u32(bytes + 8) | (uint64_t)get_u32(bytes + 12) << 32;
    return m;
}

static void greet(void) {
    static int greeted;
    struct message m;

    if (greeted != 0) {
        return;
    }
    greeted = 1;
    send('H', LINK_VERSION | (uint32_t)sizeof(void *) << 8, 0);
    m = receive();
    if (m.op != 'H' || (m.a & 0xFFu) != LINK_VERSION) {
        npu_link_fail(NPU_LINK_EXIT_VERSION);
    }
}

uint32_t npu_link_read_register(uint32_t offset) {
    struct message m;

    greet();
    send('R', offset, 0);
    m = receive();
    if (m.op != 'V') {
        npu_link_fail(NPU_LINK_EXIT_PROTOCOL);
    }
    return (uint32_t)m.b;
}

/* The NPU works now: it may read and write any memory until it lowers or raises its interrupt. */
static struct message serve(void) {
    for (;;) {
        const struct message m = receive();

        switch (m.op) {
        case 'r':
            npu_link_send((const void *)(uintptr_t)m.b, m.a);
            break;
        case 'w':
            npu_link_receive((void *)(uintptr_t)m.b, m.a);
            break;
        case 'e':
            return m;
        default:
            npu_link_fail(NPU_LINK_EXIT_PROTOCOL);
        }
    }
}

void npu_link_write_register(uint32_t offset, uint32_t value) {
    greet();
    send('W', offset, value);
    if (offset == CMD_OFFSET) {
        const struct message m = serve();

        npu_link_interrupt(m.a, m.b);
    }
}

static void maintain(uint32_t op, uintptr_t address, size_t bytes) {
    greet();
    send(op, (uint32_t)bytes, address);
    (void)serve();
}

void npu_link_cache_clean(uintptr_t address, size_t bytes) {
    maintain('C', address, bytes);
}

void npu_link_cache_invalidate(uintptr_t address, size_t bytes) {
    maintain('I', address, bytes);
}
