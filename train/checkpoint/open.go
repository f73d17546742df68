// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/unroll-npu/unroll/train/hdf5"
	"github.com/unroll-npu/unroll/train/nn"
)

// Open reads a network from a file of any kind this package knows, told apart by
// its first bytes: an NPZ archive, an HDF5 file or an archive of Keras, a PyTorch
// file or a safetensors file. Graphs (ONNX, .tflite) are
// opened by lower/source.
func Open(file string) (*nn.Network, error) { return OpenAs(file, Stated{}) }

// OpenAs is Open with what the user states of the file. What was assumed of another
// program's weights is in Network.Facts.
func OpenAs(file string, s Stated) (*nn.Network, error) {
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
		return nil, fmt.Errorf("%s: a folder, expected a .safetensors or .npz file", file)
	}
	var head [9]byte
	n, _ := f.ReadAt(head[:], 0)
	switch {
	case n >= 4 && string(head[:4]) == "PK\x03\x04":
		switch {
		case hasMember(f, info.Size(), "data.pkl"):
			return ReadTorch(file, f, info.Size(), s)
		case hasMember(f, info.Size(), "model.weights.h5"):
			return ReadKeras(file, f, info.Size(), s)
		}
		return ReadNPZAs(file, f, info.Size(), s)
	case n >= 8 && string(head[:8]) == hdf5.Magic:
		if info.Size() > maxStored {
			return nil, fmt.Errorf("%s: more than %d bytes", file, maxStored)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return ReadH5(file, raw, s)
	}
	return ReadAs(file, f, info.Size(), s)
}

// hasMember reports whether a zip archive has an entry of that name, in whatever folder.
func hasMember(r io.ReaderAt, size int64, name string) bool {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return false
	}
	for _, f := range z.File {
		if path.Base(f.Name) == name {
			return true
		}
	}
	return false
}
