// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train/nn"
)

// TestStated opens files of weights that do not say what they are: each is read as
// stated, with what was assumed said, or refused with what to say.
func TestStated(t *testing.T) {
	for _, c := range []struct {
		file   string
		s      Stated
		layers []nn.Cell // nil is a refusal
		want   string    // of the error, or of what is assumed
	}{
		{"keras/a.npz", Stated{}, []nn.Cell{nn.GRU}, "say --activation relu"},
		{"keras/a.npz", Stated{Activation: "relu", Join: JoinLast}, []nn.Cell{nn.GRU}, ""},
		{"keras/a.npz", Stated{Activation: "relu"}, []nn.Cell{nn.GRU}, "reads the last step of the recurrent one"},
		{"keras/a.npz", Stated{Activation: "relu", PerStep: true}, []nn.Cell{nn.GRU}, ""},
		{"keras/a.npz", Stated{Activation: "hard_sigmoid"}, nil, "expected tanh or relu; for others, export the whole model as a graph"},
		{"keras/l.npz", Stated{}, []nn.Cell{nn.LSTM}, "activation tanh"},
		{"keras/s.npz", Stated{}, nil, "fit in more than one order, and the file does not say which: say --order"},
		{"keras/s.npz", Stated{Order: []string{"lstmish", "gru_1"}}, []nn.Cell{nn.GRU, nn.GRU}, "activation tanh"},
		{"keras/s.npz", Stated{Order: []string{"lstmish"}}, nil, "expected each of the recurrent layers"},
		{"keras/s.npz", Stated{Order: []string{"lstmish", "gru"}}, nil, `--order names "gru"; the recurrent layers are`},
		{"keras/m2.npz", Stated{}, []nn.Cell{nn.GRU, nn.LSTM}, "layers in the order gru_1,lstm"},
		{"keras/b.npz", Stated{}, nil, "belong to a Bidirectional layer, whose merge_mode the file does not say"},
		{"keras/c.npz", Stated{}, []nn.Cell{nn.GRU}, "bias of a CuDNNGRU"},
		{"torch/k1.safetensors", Stated{Head: "sigmoid"}, []nn.Cell{nn.SimpleRNN}, "nonlinearity tanh"},
		{"torch/k1.safetensors", Stated{Head: "softmax"}, nil, "say --head sigmoid or none"},
		{"torch/k5.safetensors", Stated{}, []nn.Cell{nn.SimpleRNN}, "say --activation relu"},
		{"torch/k5.safetensors", Stated{Activation: "relu", Join: JoinLast}, []nn.Cell{nn.SimpleRNN}, ""},
		{"torch/two.safetensors", Stated{}, []nn.Cell{nn.GRU, nn.GRU}, "layers in the order gru1,gru2"},
		{"torch/two.safetensors", Stated{Activation: "relu"}, nil, "tanh by definition"},
		{"torch/gc.safetensors", Stated{Join: JoinLast}, []nn.Cell{nn.GRU}, ""},
	} {
		net, err := OpenAs(testdata.Shared(t, "data", "cases", filepath.FromSlash(c.file)), c.s)
		if c.layers == nil {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %+v: error %v, want one with %q", c.file, c.s, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %+v: %v", c.file, c.s, err)
			continue
		}
		assumed := strings.Join(net.Facts.Assumed, "\n")
		if c.want == "" && assumed != "" || !strings.Contains(assumed, c.want) {
			t.Errorf("%s %+v: assumed %q, want %q", c.file, c.s, assumed, c.want)
		}
		if err := net.Check(); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		for i, cell := range c.layers {
			if len(net.Layers) != len(c.layers) || net.Layers[i].Cell != cell {
				t.Errorf("%s: layers %+v, expected %v", c.file, net.Layers, c.layers)
				break
			}
		}
		if c.s.Activation == "relu" && net.Layers[0].Activation != nn.Relu {
			t.Errorf("%s: the activation is not the stated one", c.file)
		}
		if c.s.Head == "sigmoid" && (net.Outputs != 2 || net.HeadKernel[0] != 0 || net.HeadBias[0] != 0) {
			t.Errorf("%s: a detector has %d outputs, %v", c.file, net.Outputs, net.HeadBias)
		}
	}
}
