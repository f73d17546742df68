// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBlobIsChecked gives a program blobs that are whole, damaged at every word, cut
// off, misaligned or made for other code: it must take the first alone.
func TestBlobIsChecked(t *testing.T) {
	tool(t, "gcc")
	p := tiny("acc", 16)
	tree := generate(t, p)
	good := tree["model/acc.blob"]
	signed := func(change func(b []byte)) []byte {
		b := append([]byte(nil), good...)
		change(b)
		return sealed(b[:len(b)-blobTrailerBytes])
	}
	put := func(at int, value uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[4*at:], value) }
	}
	other := tiny("acc", 48)
	cases := []struct {
		name, want string
		blob       []byte
	}{
		{"whole", "OK", good},
		{"more behind it", "OK", append(append([]byte(nil), good...), 1, 2, 3)},
		{"cut off", "ERR_MODEL", good[:len(good)-8]},
		{"two streams", "ERR_MODEL", signed(put(7, 2))},
		{"nearly nothing", "ERR_MODEL", good[:40]},
		{"other code", "ERR_OTHER_MODEL", generate(t, other)["model/acc.blob"]},
		{"format 2", "ERR_FORMAT", signed(put(1, 2))},
		{"format 2, shorter than any of format 3", "ERR_FORMAT", signed(put(1, 2))[:100]},
		{"format to come", "ERR_FORMAT", signed(put(1, 4))},
		{"stream in the header", "ERR_MODEL", signed(put(16, 32))},
		{"stream off its line", "ERR_MODEL", signed(put(16, 100))},
		{"stream too long", "ERR_MODEL", signed(put(17, uint32(len(good))))},
		{"stream wraps", "ERR_MODEL", signed(put(17, 0xffffffff))},
		{"constants outside", "ERR_MODEL", signed(put(5, 0xffffffe0))},
	}
	for i := 0; i+4 <= len(good); i += 4 {
		b := append([]byte(nil), good...)
		b[i] ^= 0x10
		want := "ERR_MODEL"
		if i == 4 {
			want = "ERR_FORMAT"
		}
		cases = append(cases, struct {
			name, want string
			blob       []byte
		}{fmt.Sprintf("bit of word %d", i/4), want, b})
	}
	dir := onDisk(t, p)
	write(t, filepath.Join(dir, "main.c"), `#include <stdio.h>
#include <string.h>
#include "acc.h"
#include "npu_fake.h"
ACC_ARENA_DEFINE(arena);
_Alignas(32) static uint8_t blob[65536];
int main(int count, char **names) {
    static unroll_npu npu;
    static acc_context ctx;
    for (int i = 1; i < count; i++) {
        FILE *f = fopen(names[i], "rb");
        size_t n = fread(blob, 1, sizeof(blob), f);
        fclose(f);
        acc_status checked = acc_check_blob(blob, n), made = acc_init_from(&ctx, &npu, arena, NULL, blob, n);
        puts(checked == made ? acc_status_name(made) : "DISAGREE");
        if (made == ACC_OK) {
            fake_hardware = 1;
            fake_asked = 0;
            checked = acc_check_blob(blob, n);
            blob[n / 2] ^= 1;
            if (checked != ACC_OK || acc_check_blob(blob, n) != ACC_ERR_MODEL || fake_asked != 2) {
                puts("HARDWARE");
            }
            fake_hardware = 0;
        }
        for (size_t off = 4; off > 0; off--) {
            memmove(blob + off, blob, n);
            if (acc_check_blob(blob + off, n) != ACC_ERR_ALIGNMENT || acc_check_blob(NULL, n) != ACC_ERR_ARGUMENT) {
                puts("MISALIGNED");
            }
        }
    }
    return 0;
}
`)
	api, _ := filepath.Abs("testdata/api")
	runIn(t, dir, "gcc", "-std=c11", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DSTATE_OUT=16", "-Iinclude", "-Inpu", "-I"+api, "-o", "blobs", "main.c", "src/acc.c", "src/acc_model.c",
		"npu/npu_status.c", filepath.Join(api, "npu_fake.c"))
	var names []string
	for i, c := range cases {
		name := filepath.Join(dir, "blob"+string(rune('a'+i/26))+string(rune('a'+i%26)))
		if err := os.WriteFile(name, c.blob, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	got := strings.Fields(runIn(t, dir, filepath.Join(dir, "blobs"), names...))
	if len(got) != len(cases) {
		t.Fatalf("%d answers to %d blobs: %v", len(got), len(cases), got)
	}
	for i, c := range cases {
		if got[i] != c.want {
			t.Errorf("%s: %s, expected %s", c.name, got[i], c.want)
		}
	}
}
