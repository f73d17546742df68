// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomBytes are n bytes that a test always gets alike.
func randomBytes(n int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 17))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestSumsAreWhatTheyAreSaidToBe computes them in integers of any length.
func TestSumsAreWhatTheyAreSaidToBe(t *testing.T) {
	for _, n := range []int{0, 4, 12, 16, 20, 1000, 1024, 1027} {
		b := randomBytes(n, uint64(n))
		want := [4]*big.Int{new(big.Int), new(big.Int), new(big.Int), new(big.Int)}
		two32 := new(big.Int).Lsh(big.NewInt(1), 32)
		padded := append(slices.Clone(b), make([]byte, 16)...)
		for i := range (n + 3) / 4 {
			weight := new(big.Int).Exp(big.NewInt(747796405), big.NewInt(int64(i/4+1)), two32)
			word := new(big.Int).SetUint64(uint64(binary.LittleEndian.Uint32(padded[4*i:])))
			want[i%4].Add(want[i%4], word.Mul(word, weight))
		}
		for l, got := range sums(b) {
			if low := new(big.Int).Mod(want[l], new(big.Int).Lsh(big.NewInt(1), 64)); low.Uint64() != got {
				t.Errorf("%d bytes: sum %d is %#x, expected %#x", n, l, got, low)
			}
		}
	}
}

// TestWeightsDiffer visits the weights of 8 MiB, far more than a Cortex-M has of a model: odd,
// different, and all of the first 2^30 by their order.
func TestWeightsDiffer(t *testing.T) {
	if sumWeight%8 != 5 {
		t.Fatalf("%d is not 5 modulo 8: its powers repeat before 2^30", sumWeight)
	}
	var weights []uint32
	w := sumWeight
	for i := range 8 << 20 / 16 {
		if w%2 == 0 {
			t.Fatalf("weight %d is %d, which is even", i, w)
		}
		weights = append(weights, w)
		w *= sumWeight
	}
	slices.Sort(weights)
	for i := 1; i < len(weights); i++ {
		if weights[i] == weights[i-1] {
			t.Fatalf("%d is the weight of two words of a sum", weights[i])
		}
	}
	// The order of a power of two divides 2^30, and is not half of it.
	w = sumWeight
	for range 29 {
		w *= w
	}
	if w == 1 || w*w != 1 {
		t.Errorf("the powers of %d repeat after another number than 2^30", sumWeight)
	}
}

// TestTwoFlippedBitsAreFound looks at every pair of bits of one sum over half a MiB of model, 5 * 10^11
// of them in both directions each: a flipped bit adds plus or minus a weight times a power of two, and
// two cancel out where one's change is another's with the other sign.
func TestTwoFlippedBitsAreFound(t *testing.T) {
	var changes []uint64
	w := sumWeight
	for range 512 << 10 / 16 {
		for bit := range 32 {
			d := uint64(w) << bit
			if d == 0 {
				t.Fatalf("weight %d loses bit %d", w, bit)
			}
			changes = append(changes, d, -d)
		}
		w *= sumWeight
	}
	slices.Sort(changes)
	for i := 1; i < len(changes); i++ {
		if changes[i] == changes[i-1] {
			t.Fatalf("two bits change a sum by %#x", changes[i])
		}
	}
}

// TestDamageIsFound damages a model in ways that its sums must see: words, pairs of bits, bursts,
// exchanges of words, and of blocks as flash has them, which is not promised but has to be likely.
func TestDamageIsFound(t *testing.T) {
	good := randomBytes(12<<10, 3)
	for i := range 256 {
		good[4096+i] = byte(i / 64) // words and blocks that resemble each other
	}
	want := sums(good)
	r := rand.New(rand.NewPCG(5, 6))
	b := slices.Clone(good)
	try := func(what string, change func()) {
		t.Helper()
		change()
		if !slices.Equal(b, good) && sums(b) == want {
			t.Fatalf("not found: %s", what)
		}
		copy(b, good)
	}
	flip := func(bit int) { b[bit/8] ^= 1 << (bit % 8) }
	swap := func(i, j, n int) {
		for k := range n {
			b[i+k], b[j+k] = b[j+k], b[i+k]
		}
	}
	bits := 8 * len(good)
	for bit := range bits {
		if bit%7 == 0 || bit < 1024 {
			try("a bit", func() { flip(bit) })
		}
	}
	for range 4000 {
		try("a word", func() { binary.LittleEndian.PutUint32(b[4*r.IntN(len(b)/4):], r.Uint32()) })
		try("two bits", func() { flip(r.IntN(bits)); flip(r.IntN(bits)) })
		try("the highest bits of two words", func() { flip(32*r.IntN(bits/32) + 31); flip(32*r.IntN(bits/32) + 31) })
		try("a burst", func() {
			at, n := r.IntN(bits-128), 1+r.IntN(128)
			flip(at)
			for k := 1; k < n; k++ {
				if r.IntN(2) == 0 {
					flip(at + k)
				}
			}
		})
		try("two words exchanged", func() { swap(4*r.IntN(len(b)/4), 4*r.IntN(len(b)/4), 4) })
		try("two blocks exchanged", func() {
			n := []int{8, 16, 32, 64, 256}[r.IntN(5)]
			swap(n*r.IntN(len(b)/n), n*r.IntN(len(b)/n), n)
		})
		try("a block erased", func() {
			n := []int{16, 256, 4096}[r.IntN(3)]
			at := n * r.IntN(len(b)/n)
			for k := range n {
				b[at+k] = 0xff
			}
		})
		try("a block moved by a word", func() {
			at := 16 * r.IntN(len(b)/16-17)
			copy(b[at:at+256], good[at+4:])
		})
	}
	for i := 0; i+4 <= 1024; i += 4 { // every pair of words of a small part
		for j := i + 4; j+4 <= 1024; j += 4 {
			try("two words exchanged", func() { swap(4096+i%256, 4096+j%256, 4) })
		}
	}
}

// TestInstructionsOfSums counts what a Cortex-M55 executes for four words of a model: the
// longest way through the loop that multiplies, as the compiler wrote it.
func TestInstructionsOfSums(t *testing.T) {
	tool(t, "arm-none-eabi-gcc")
	tool(t, "arm-none-eabi-objdump")
	dir := onDisk(t, tiny("acc", 16))
	for _, level := range []string{"-Os", "-O2"} {
		runIn(t, dir, "arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m55", "-mthumb", level, "-ffunction-sections", "-Iinclude", "-Inpu", "-c", "src/acc.c", "-o", "acc.o")
		listing := runIn(t, dir, "arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "acc.o")
		_, body, found := strings.Cut(listing, "<sums_are>:\n")
		if !found {
			t.Fatalf("%s: there is no sums_are:\n%s", level, listing)
		}
		body, _, _ = strings.Cut(body, "\n\n")
		at := map[string]int{}
		lines := strings.Split(body, "\n")
		for i, line := range lines {
			address, _, _ := strings.Cut(strings.TrimSpace(line), ":")
			at[address] = i
		}
		loop := 0
		for i, line := range lines {
			f := strings.Fields(line)
			if len(f) < 3 || (f[1] != "le" && !strings.HasPrefix(f[1], "bne")) {
				continue
			}
			target := f[2]
			if f[1] == "le" {
				target = f[3]
			}
			if first, known := at[target]; known && first < i && strings.Count(strings.Join(lines[first:i], "\n"), "umlal") == 4 {
				loop = i - first + 1
			}
		}
		if loop == 0 || loop > 11 {
			t.Errorf("%s: %d instructions for four words, expected at most 11:\n%s", level, loop, body)
		}
		const gru256 = 438616 // bytes of GRU-256 of 28 steps
		t.Logf("%s: %d instructions for four words, %d for GRU-256", level, loop, loop*gru256/16)
	}
}
