// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"math/bits"

	"github.com/unroll-npu/unroll/lower/audio"
)

// Heard is a stream of samples and what the generated API decides on the way.
type Heard struct {
	Samples []int16
	Every   int // rows of features from decision to decision

	// Outputs are the bytes of every decision, in the order of Program.Outputs; those of
	// states are not looked at and may be nil.
	Outputs [][][]byte
}

// audioView is what the templates see of features of sound.
type audioView struct {
	Text                         string // the parameters
	Rate, Frame, Hop, FFT, Bands int
	Half, Bits                   int // complex values of the transform, and their number's bits
	Window, Twiddle              []float32
	First, Count                 []int64
	Weights                      []float32
	Cosine                       [][]float32
	PreEmphasis, Floor           string // empty for no pre-emphasis
	Carried                      bool   // the state goes on from run to run
}

// heardView is a Heard.
type heardView struct {
	Samples          []int64
	Every, Decisions int
}

// addAudio prepares the API on samples.
func (v *view) addAudio(p *Project) error {
	a := p.Audio
	if a == nil {
		if p.Heard != nil {
			return fmt.Errorf("samples are given, but not how they become features")
		}
		return nil
	}
	if err := a.Check(); err != nil {
		return err
	}
	if len(v.Inputs) != 1 || v.Steps == 0 || v.Features != a.Features() || !v.Inputs[0].Quantized {
		return fmt.Errorf("the network takes features of sound (%v): expected one quantized input [1, steps, %d] besides states, found %d, the first of %s", a, a.Features(), len(v.Inputs), elementCount(v.Inputs))
	}
	t := a.Tables()
	v.Audio = &audioView{Text: a.String(), Rate: a.Rate, Frame: a.Frame, Hop: a.Hop, FFT: a.FFT, Bands: a.Bands,
		Half: a.FFT / 2, Bits: bits.Len(uint(a.FFT/2 - 1)), Window: t.Window, Twiddle: t.Twiddle, Weights: t.Weights,
		Floor: cFloat(a.Floor), Carried: len(v.States) > 0 && audio.Carried(v.Steps, trainedSteps(p))}
	if a.PreEmphasis != 0 {
		v.Audio.PreEmphasis = cFloat(a.PreEmphasis)
	}
	for b := range t.First {
		v.Audio.First, v.Audio.Count = append(v.Audio.First, int64(t.First[b])), append(v.Audio.Count, int64(t.Count[b]))
	}
	for c := range a.Coefficients {
		v.Audio.Cosine = append(v.Audio.Cosine, t.Cosine[c*a.Bands:(c+1)*a.Bands])
	}
	return v.addHeard(p)
}

// trainedSteps is the length of the sequences that the network was trained on, 0 when
// that is not known.
func trainedSteps(p *Project) int {
	if p.Facts == nil {
		return 0
	}
	return p.Facts.Steps
}

// addHeard checks the golden samples and hands their decisions to the templates.
func (v *view) addHeard(p *Project) error {
	h := p.Heard
	if h == nil {
		return nil
	}
	if len(h.Samples) == 0 || h.Every < 1 || len(h.Outputs) == 0 {
		return fmt.Errorf("golden samples: %d samples, a decision every %d rows, %d decisions: expected at least one of each", len(h.Samples), h.Every, len(h.Outputs))
	}
	v.Heard = &heardView{Every: h.Every, Decisions: len(h.Outputs)}
	for _, s := range h.Samples {
		v.Heard.Samples = append(v.Heard.Samples, int64(s))
	}
	for i, out := range h.Outputs {
		for _, t := range v.Outputs {
			b := &p.Program.Outputs[t.binding]
			if len(out) != len(p.Program.Outputs) || len(out[t.binding]) != b.Size {
				return fmt.Errorf("golden samples: decision %d lacks output %q of %d bytes", i, b.Name, b.Size)
			}
			t.HeardValues = append(t.HeardValues, leValues(b.Type, out[t.binding]))
		}
	}
	return nil
}

// audioNames are taken in C where a project takes samples.
var audioNames = []string{
	"audio", "samples", "count", "used", "decided", "complete", "decide", "fresh", "every", "hear", "heard", "misheard", "window", "twiddle", "band_first", "band_count", "band_weights", "cosine", "transform", "reversed", "powers", "logarithm", "make_row", "decisions", "piece", "left", "most", "difference", "before", "misheard_decisions",
}
