// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

var stacks = []string{
	"dense:5:tanh,gru:4", "conv:5x3,gru:4:classic,dense:4", "conv:4x5,conv:3x2:sigmoid,lstm:5", "mingru:5x3:gate,rnn:4",
	"rnn:4,mean", "mingru:5x3,max,dense:4", "conv:6x2,max", "gru:5,last,dense:6:tanh",
	"bi-gru:4", "bi-lstm:5,max", "bi-rnn:3:relu,last,dense:4", "bi-mingru:4x3:gate,bi-gru:3,mean", "conv:5x3,bi-mingru:3x2,gru:5",
	"gru:6:r2,lstm:5:r2", "bi-rnn:5:r2",
}

func stackNetwork(t *testing.T, text string, perStep bool) *nn.Network {
	t.Helper()
	layers, err := nn.ParseStack(text, 4, perStep)
	if err != nil {
		t.Fatal(err)
	}
	net := &nn.Network{Name: "stack", Steps: 6, Features: 3, Outputs: 2, Task: nn.Regression, PerStep: perStep, Layers: layers}
	if err := net.Complete(); err != nil {
		t.Fatal(err)
	}
	train.Initialize(net, 5)
	r := rand.New(rand.NewPCG(3, 4))
	for _, v := range net.Tensors() {
		for i := range *v {
			(*v)[i] += float32(0.2 * r.NormFloat64())
		}
	}
	return net
}

// Operators of every stack give what the definitions of its layers give: whole sequences in
// both forms, and streams of one and of two steps a call. What a stream cannot have is
// refused by the layer's name. Files keep the network, and integers stay close to it.
func TestStackOperators(t *testing.T) {
	for _, text := range stacks {
		layers, err := nn.ParseStack(text, 4, true)
		if err != nil {
			t.Fatal(err)
		}
		pooled := (&nn.Network{Layers: layers}).Pooled(len(layers) - 1)
		for _, perStep := range []bool{false, true} {
			if perStep && pooled {
				continue
			}
			t.Run(fmt.Sprintf("%s, every step %v", text, perStep), func(t *testing.T) {
				net := stackNetwork(t, text, perStep)
				roundTrip(t, net)
				forms := []unroll.Form{unroll.NPU}
				if !strings.Contains(text, "mingru") && !strings.Contains(text, ":r2") {
					forms = append(forms, unroll.Keras)
				}
				for _, form := range forms {
					checkStack(t, net, unroll.Options{Form: form, PerStep: perStep}, "")
				}
				streams := ""
				switch {
				case strings.Contains(text, "bi-"):
					streams = "runs from the last step"
				case pooled:
					streams = "makes one row of all steps"
				}
				for _, steps := range []int{1, 2} {
					checkStack(t, net, unroll.Options{Steps: steps, StateIO: true, PerStep: perStep}, streams)
				}
				for _, a := range []lower.Activations{lower.Int8, lower.Mixed, lower.Int16} {
					limit := map[lower.Activations]float64{lower.Int8: 0.08, lower.Mixed: 0.04, lower.Int16: 0.02}[a]
					set := noise{net.Steps, net.Features, 20}
					r, err := lower.Lower(context.Background(), net, set, lower.Options{Activations: a})
					if err != nil {
						t.Fatal(err)
					}
					float, err := r.EvaluateFloat(context.Background(), set, 0)
					if err != nil {
						t.Fatal(err)
					}
					quantized, err := r.Evaluate(context.Background(), set, 0)
					if err != nil {
						t.Fatal(err)
					}
					if d := float.RMSE(quantized); !(d < limit) {
						t.Errorf("%v: outputs differ by %v", a, d)
					}
				}
			})
		}
	}
}

func checkStack(t *testing.T, net *nn.Network, o unroll.Options, refusal string) {
	t.Helper()
	plan, err := unroll.Build(net, o)
	if refusal != "" {
		if err == nil || !strings.Contains(err.Error(), refusal) {
			t.Errorf("%+v: error is %v, expected one on what %s", o, err, refusal)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Graph.Validate(); err != nil {
		t.Fatal(err)
	}
	exec, err := floatexec.New(plan.Graph)
	if err != nil {
		t.Fatal(err)
	}
	g, runner, r := plan.Graph, exec.Runner(), rand.New(rand.NewPCG(5, 6))
	inputs := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		inputs[i] = make([]float32, g.Tensors[id].Elems())
	}
	var x [][]float64
	for range 2 * net.Steps / max(o.Steps, 1) {
		if !o.StateIO {
			x = nil
		}
		for i := range inputs[0] {
			inputs[0][i] = float32(r.NormFloat64())
			if i%net.Features == 0 {
				x = append(x, nil)
			}
			x[len(x)-1] = append(x[len(x)-1], float64(inputs[0][i]))
		}
		views, err := runner.Run(1, inputs)
		if err != nil {
			t.Fatal(err)
		}
		rows := cell.NewPlain(net).Next(x)
		var want []float64
		count := 1
		if o.PerStep {
			count = len(inputs[0]) / net.Features
		}
		for _, row := range rows[len(rows)-count:] {
			want = append(want, row...)
		}
		close32(t, fmt.Sprintf("%+v", o), views[0].Row(0), want)
		for _, s := range g.States {
			for i, id := range g.Outputs {
				for j, in := range g.Inputs {
					if id == s.Out && in == s.In {
						copy(inputs[j], views[i].Row(0))
					}
				}
			}
		}
	}
}
