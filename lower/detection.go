// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/detect"
	"github.com/unroll-npu/unroll/lower/figures"
	"github.com/unroll-npu/unroll/train/nn"
)

// Detection says how a detector was chosen and how it does on sequences that had no part in
// that. Its JSON form is stable.
type Detection struct {
	Background  string  `json:"background"`
	Smooth      int     `json:"smooth"`
	Threshold   float64 `json:"threshold"`
	FalseAlarms float64 `json:"false_alarms_per_hour"` // of the test part, as all below
	MissRate    float64 `json:"miss_rate"`
	Events      int     `json:"events"`
	Hours       float64 `json:"hours"`

	// On the part that it was chosen by.
	ChosenFalseAlarms float64 `json:"validation_false_alarms_per_hour"`
	ChosenMissRate    float64 `json:"validation_miss_rate"`
	ChosenEvents      int     `json:"validation_events"`
	ChosenHours       float64 `json:"validation_hours"`
}

// Detect chooses smoothing and threshold of a detector by the quantized network's outputs on
// one set, run as streams that nobody resets, and judges them by another. background names
// the class that is no alarm; seconds pass from call to call, and at most perHour false alarms
// are accepted. The detector becomes one of the facts. The network must make one
// decision a call.
func (r *Result) Detect(ctx context.Context, chooseBy, test Samples, background string, seconds, perHour float64) (*Detection, error) {
	none, c, err := r.detectable(background)
	if err != nil {
		return nil, err
	}
	k := r.net.Outputs
	out := r.Int8.Tensors[r.Int8.Outputs[0]]
	scale, zero := float64(out.Scale()), int(out.ZeroPoint())
	chosen, err := r.detectorStreams(ctx, chooseBy, c, scale, zero)
	if err != nil {
		return nil, err
	}
	d, err := detect.Choose(chosen, k, none, seconds, perHour, scale, zero)
	if err != nil {
		return nil, fmt.Errorf("network %q: %w", r.net.Name, err)
	}
	judged, err := r.detectorStreams(ctx, test, c, scale, zero)
	if err != nil {
		return nil, err
	}
	was, is := detect.Try(d, chosen, k, scale, zero), detect.Try(d, judged, k, scale, zero)
	r.Facts.Detector = d
	r.Facts.Measured(map[string]float64{"false_alarms_per_hour": is.PerHour(), "miss_rate": is.MissRate()})
	return &Detection{Background: background, Smooth: d.Smooth, Threshold: d.Threshold,
		FalseAlarms: is.PerHour(), MissRate: is.MissRate(), Events: is.Events, Hours: is.Hours,
		ChosenFalseAlarms: was.PerHour(), ChosenMissRate: was.MissRate(), ChosenEvents: was.Events, ChosenHours: was.Hours}, nil
}

// enough is how many false alarms a time has to be expected to have at a rate for none in it to
// show, at 95 %, that the rate is not above that: exp(-3) is 0.05.
const enough = 3

// Short says of which part it is too little to show that at most perHour false alarms come in
// an hour, and how many hours without any would; "" where both parts are long enough.
func (d *Detection) Short(perHour float64) string {
	least, part := d.Hours, "the test part"
	if d.ChosenHours < least {
		least, part = d.ChosenHours, "the part that it was chosen by"
	}
	if perHour <= 0 || least*perHour >= enough {
		return ""
	}
	return fmt.Sprintf("%s hours of %s cannot show that at most %s false alarms come in an hour: one in them is %s an hour, and it takes %s hours without any", three(least), part, three(perHour), three(1/least), three(enough/perHour))
}

// Detectable returns nil where Detect can work for a background, else what is in the way.
func (r *Result) Detectable(background string) error {
	_, _, err := r.detectable(background)
	return err
}

// detectable returns the number of the background, too.
func (r *Result) detectable(background string) (int, cadence, error) {
	none := slices.Index(r.net.Classes, background)
	c, err := cadenceOf(r.net, r.Int8)
	switch {
	case r.net.Task != nn.Classification:
		err = fmt.Errorf("network %q: only classes can be detected, and it predicts numbers", r.net.Name)
	case r.net.Logits:
		err = fmt.Errorf("network %q: smoothing and threshold of alarms are for probabilities, and its outputs are logits: say --head softmax", r.net.Name)
	case none < 0:
		err = fmt.Errorf("network %q: %q is none of its classes %q: name the one that is no alarm", r.net.Name, background, r.net.Classes)
	case err != nil:
	case c.rows != 1 || r.net.PerStep && c.steps != 1 || !r.net.PerStep && c.calls != 1:
		err = fmt.Errorf("network %q: a detector needs one decision a call: whole sequences a call, or a network that was trained for every step, with one step a call (--steps 1)", r.net.Name)
	}
	return none, c, err
}

// detectorStreams runs the quantized graph over a set cut into streams.
func (r *Result) detectorStreams(ctx context.Context, set Samples, c cadence, scale float64, zero int) ([]detect.Stream, error) {
	bounds := streams(set.Len())
	outputs, err := r.quantizedStreams(ctx, set, bounds, c)
	if err != nil {
		return nil, err
	}
	steps, _ := set.(interface{ StepLabel(i, t int) int })
	if r.net.PerStep && steps == nil {
		return nil, fmt.Errorf("network %q decides at every step, and the set has no label for them", r.net.Name)
	}
	k := r.net.Outputs
	var all []detect.Stream
	for p := range len(bounds) - 1 {
		var s detect.Stream
		for i := bounds[p]; i < bounds[p+1]; i++ {
			for t := range len(outputs[i]) / k {
				row := make([]int, k)
				for j, v := range outputs[i][t*k : (t+1)*k] {
					row[j] = int(math.Round(float64(v)/scale)) + zero
				}
				label := 0
				if r.net.PerStep {
					label = steps.StepLabel(i, t)
				} else {
					label = set.Label(i)
				}
				s.Outputs, s.Labels = append(s.Outputs, row), append(s.Labels, label)
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func three(v float64) string { return figures.Digits(v, 3) }
