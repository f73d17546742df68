// SPDX-License-Identifier: Apache-2.0

package board

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Number is an address, a size or a count: in JSON a number, or a string in decimal or
// hexadecimal that may end in K, M or G for powers of 1024.
type Number uint64

// UnmarshalJSON reads one.
func (n *Number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	digits, unit := text, uint64(1)
	if i := strings.IndexAny(text, "KMG"); i >= 0 && i == len(text)-1 {
		digits, unit = text[:i], 1<<(10*(1+strings.IndexByte("KMG", text[i])))
	}
	v, err := strconv.ParseUint(digits, 0, 64)
	if err != nil || v > 1<<40/unit {
		return fmt.Errorf("%s is no address or size: expected such as 56, \"0x31000000\" or \"512K\"", b)
	}
	*n = Number(v * unit)
	return nil
}

// MarshalJSON writes it in hexadecimal.
func (n Number) MarshalJSON() ([]byte, error) { return json.Marshal(n.Hex()) }

// Hex is the number as an address.
func (n Number) Hex() string { return fmt.Sprintf("0x%08X", uint64(n)) }

// size is the number as a linker script writes it.
func (n Number) size() string {
	switch {
	case n != 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dM", n>>20)
	case n != 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dK", n>>10)
	}
	return strconv.FormatUint(uint64(n), 10)
}
