package checkpoint

import (
	"fmt"
	"os"

	"github.com/unroll-npu/unroll/train/nn"
)

// Open reads a network from a file of any kind this package knows, told apart by
// its first bytes: an NPZ archive, an ONNX model or a safetensors file.
func Open(file string) (*nn.Network, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: a folder, expected a .safetensors, .npz or .onnx file", file)
	}
	var head [9]byte
	n, _ := f.ReadAt(head[:], 0)
	switch {
	case n >= 4 && string(head[:4]) == "PK\x03\x04":
		return ReadNPZ(file, f, info.Size())
	case n == 9 && head[8] == '{':
		return Read(file, f, info.Size())
	case n > 0 && head[0] == 0x08: // field 1 of an ONNX model, its version
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return ReadONNX(file, raw)
	}
	return Read(file, f, info.Size())
}
