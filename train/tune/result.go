// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"fmt"
	"math"
)

// Result is what a trial gave: a line of JSON in the study's folder. There are no times in
// it, so that a trial is the same bytes wherever it runs. Figures of cycles, flash and SRAM
// are those that a build prints.
type Result struct {
	Trial     int       `json:"trial"`
	Rung      int       `json:"rung"`
	Candidate int       `json:"candidate"`
	Values    Candidate `json:"values"`
	Epochs    int       `json:"epochs"`
	Figures
	Command string `json:"command"` // gives this network, as a project
}

// Figures are what is measured of a trial.
type Figures struct {
	// Failed says why there is no network; the figures are then 0.
	Failed string `json:"failed,omitempty"`

	// Accuracy, or R² of a regression, of the quantized network on the validation part; it
	// decides. Test is that on the test part, which decides nothing, and Float that of the
	// network before it was quantized, on the test part.
	Accuracy float64 `json:"accuracy"`
	Test     float64 `json:"test_accuracy"`
	Float    float64 `json:"float_test_accuracy"`

	Cycles       int64   `json:"cycles"`        // of a call
	Calls        int     `json:"calls"`         // for a sequence
	Sequence     int64   `json:"cycles_of_all"` // of a whole sequence, Calls of Cycles
	Milliseconds float64 `json:"milliseconds"`  // of a whole sequence, at the clock of the system configuration
	Flash        int     `json:"flash_bytes"`   // stream and constants
	SRAM         int     `json:"sram_bytes"`
	Accelerator  string  `json:"accelerator"`
}

// Bounds are what a network has to keep; 0 is no bound. Cycles and milliseconds are those of
// a whole sequence, so that networks with other numbers of steps a call compare.
type Bounds struct {
	Flash        int     `json:"max_flash,omitempty"`
	SRAM         int     `json:"max_sram,omitempty"`
	Cycles       int64   `json:"max_cycles,omitempty"`
	Milliseconds float64 `json:"max_ms,omitempty"`
	Accuracy     float64 `json:"min_accuracy,omitempty"`
}

// slack is the share by which time and flash of untrained weights may be above a bound: how
// well weights compress is known when they are trained.
const slack = 0.1

// hopeless says why a network of untrained weights cannot be within the bounds, "" where it
// may.
func (b Bounds) hopeless(f Figures) string {
	wide := b
	wide.Flash = int(math.Ceil(float64(b.Flash) * (1 + slack)))
	wide.Cycles = int64(math.Ceil(float64(b.Cycles) * (1 + slack)))
	wide.Milliseconds = b.Milliseconds * (1 + slack)
	return wide.broken(f)
}

// broken names the first bound of the hardware that figures do not keep, "" where they keep
// all.
func (b Bounds) broken(f Figures) string {
	switch {
	case b.Flash > 0 && f.Flash > b.Flash:
		return fmt.Sprintf("%d bytes of flash are more than %d", f.Flash, b.Flash)
	case b.SRAM > 0 && f.SRAM > b.SRAM:
		return fmt.Sprintf("%d bytes of SRAM are more than %d", f.SRAM, b.SRAM)
	case b.Cycles > 0 && f.Sequence > b.Cycles:
		return fmt.Sprintf("%d cycles of a sequence are more than %d", f.Sequence, b.Cycles)
	case b.Milliseconds > 0 && f.Milliseconds > b.Milliseconds:
		return fmt.Sprintf("%.4g ms of a sequence are more than %.4g", f.Milliseconds, b.Milliseconds)
	}
	return ""
}

// Fits reports whether a result is a network within the bounds of the hardware.
func (b Bounds) Fits(f Figures) bool { return f.Failed == "" && b.broken(f) == "" }

// Good reports whether it is exact enough as well.
func (b Bounds) Good(f Figures) bool { return b.Fits(f) && f.Accuracy >= b.Accuracy }
