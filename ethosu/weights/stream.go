// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// Limits of the stream format.
const (
	MaxWeight = 255 // largest magnitude

	maxIndex   = 511   // a weight index has 9 bits
	maxQuot    = 31    // of a Rice-coded weight index
	maxSlice   = 32767 // indices per slice that encoders write; a decoder takes one more
	maxPalette = 32

	zdivOff = 6 // ZDIV: no zero runs
	zdivEnd = 7 // ZDIV: end marker
	wdivRaw = 7 // WDIV: plain indices
)

// Slice is the header of one slice of a stream.
type Slice struct {
	Bit   int  // position of the header
	ZDIV  int  // 0..3: Rice parameter of zero runs; 6: no zero runs
	Len   int  // coded weight indices
	WDIV  int  // 0..5: Rice parameter of weight indices; 7: plain
	Trunc bool // quotients 0..2 in one slot each

	// Palette state, which a slice without NewPalette keeps from its predecessor.
	NewPalette bool
	DirOfs     int      // subtracted from folded values outside the palette
	PalBits    int      // width of an entry, 2..9
	Palette    []uint16 // folded values
}

// fold maps a weight to 2*|w| + sign, the number that palettes and direct indices
// are made of.
func fold(w int16) int {
	if w < 0 {
		return -2*int(w) + 1
	}
	return 2 * int(w)
}

func unfold(f int) int16 {
	if f&1 != 0 {
		return int16(-(f >> 1))
	}
	return int16(f >> 1)
}

// ceilLog2 returns the smallest u with 1<<u >= n, for n >= 1.
func ceilLog2(n int) int {
	u := 0
	for 1<<u < n {
		u++
	}
	return u
}

// rawBits returns the width of a plain index.
func rawBits(palette, palbits int) int {
	if palette > 0 {
		return ceilLog2(palette)
	}
	return palbits
}

// CheckRange reports the first weight that a stream cannot carry, or nil.
func CheckRange(weights []int16) error {
	for i, w := range weights {
		if w < -MaxWeight || w > MaxWeight {
			return fmt.Errorf("weight %d is %d: expected -%d to %d", i, w, MaxWeight, MaxWeight)
		}
	}
	return nil
}
