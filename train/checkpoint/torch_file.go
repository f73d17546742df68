// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/train/nn"
)

// A file that torch.save wrote, since PyTorch 1.6, is a zip archive: NAME/data.pkl, a
// pickle whose tensors refer to NAME/data/KEY, the raw elements of one storage each.

// torchTypes are the storages of tensors, by class.
var torchTypes = map[pyName]string{
	"torch.FloatStorage": "F32", "torch.DoubleStorage": "F64", "torch.HalfStorage": "F16", "torch.BFloat16Storage": "BF16",
	"torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16", "torch.CharStorage": "I8", "torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
}

const saveState = "in Python, torch.save(model.state_dict(), \"weights.pt\")"

// ReadTorch reads a network from a state dict that torch.save wrote, or from the one in
// a dictionary (state_dict, model_state_dict, model). No code of the pickle is run.
func ReadTorch(file string, r io.ReaderAt, size int64, s Stated) (*nn.Network, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: not a PyTorch archive: %w", file, err)
	}
	t := &torchFile{file: file, records: map[string]*zip.File{}, storages: map[string][]byte{}}
	pickle := ""
	for _, f := range z.File {
		t.records[f.Name] = f
		if path.Base(f.Name) == "data.pkl" {
			pickle = f.Name
		}
		if path.Base(f.Name) == "constants.pkl" {
			return nil, fmt.Errorf("%s: a TorchScript program: export it as a graph (torch.onnx.export), or save its weights alone: %s", file, saveState)
		}
	}
	t.folder = strings.TrimSuffix(pickle, "data.pkl")
	raw, err := t.record("data.pkl")
	if err != nil {
		return nil, err
	}
	if order, err := t.record("byteorder"); err == nil && strings.TrimSpace(string(order)) == "big" {
		return nil, fmt.Errorf("%s: written by a machine of the other byte order: save it on a little-endian one", file)
	}
	root, err := unpickle(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: data.pkl: %w", file, err)
	}
	c, err := t.container(root)
	if err != nil {
		return nil, err
	}
	if !c.isTorch() {
		if err := c.computed(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: no tensor is named …weight_hh_l0 or …weight_hh: not the weights of a network with GRU, LSTM or RNN; %s", file, exportGraph)
	}
	return c.readTorch(s)
}

type torchFile struct {
	file, folder string
	records      map[string]*zip.File
	storages     map[string][]byte
	total        int
}

// maxStored bounds what is read of an archive.
const maxStored = 1 << 30

func (t *torchFile) record(name string) ([]byte, error) {
	f := t.records[t.folder+name]
	if f == nil {
		return nil, fmt.Errorf("%s: record %q is missing", t.file, t.folder+name)
	}
	rc, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: record %q: %w", t.file, name, err)
	}
	defer rc.Close()
	b, err := io.ReadAll(io.LimitReader(rc, maxStored-int64(t.total)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: record %q: %w", t.file, name, err)
	}
	if t.total += len(b); t.total > maxStored {
		return nil, fmt.Errorf("%s: more than %d bytes", t.file, maxStored)
	}
	return b, nil
}

// rebuildTensor is the function that the pickle of a tensor applies.
const rebuildTensor = "torch._utils._rebuild_tensor_v2"

// weights finds the dictionary with the tensors of recurrent modules: the one that is
// given, or one that it holds beside epochs, optimizers and the like. Of two, such as an average
// beside the weights, the file does not say which is meant.
func (t *torchFile) weights(d *pyDict) (*pyDict, error) {
	recurrent := func(d *pyDict) bool {
		return slices.ContainsFunc(d.keys, func(k any) bool {
			name, ok := k.(string)
			return ok && strings.Contains(name, "weight_hh")
		})
	}
	if recurrent(d) {
		return d, nil
	}
	var found []*pyDict
	var names []string
	for i, k := range d.keys {
		if inner, ok := d.values[i].(*pyDict); ok && recurrent(inner) {
			found, names = append(found, inner), append(names, fmt.Sprintf("%q", k))
		}
	}
	switch len(found) {
	case 0:
		for i, k := range d.keys {
			if inner, ok := d.values[i].(*pyDict); ok && (k == "state_dict" || k == "model_state_dict" || k == "model") {
				return inner, nil
			}
		}
		return d, nil
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%s: it holds weights under %s, and does not say which are meant: save one of them alone: %s", t.file, strings.Join(names, " and "), saveState)
}

// described names a value of a pickle for people.
func described(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "True or False"
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	case string:
		return "a text"
	case *pyDict:
		return "a dictionary"
	case *pyList:
		return "a list"
	case pyTuple:
		return "a tuple"
	case pyName:
		return "the class or function " + string(v)
	case *pyCall:
		return "an object of class " + string(v.what)
	}
	return "a value of another kind"
}

// container makes of the tensors of a dictionary what a safetensors file would hold.
func (t *torchFile) container(root any) (*container, error) {
	d, ok := root.(*pyDict)
	if !ok {
		if c, isCall := root.(*pyCall); isCall && c.what == rebuildTensor {
			return nil, fmt.Errorf("%s: it holds one tensor, expected a dictionary of them: %s", t.file, saveState)
		} else if isCall {
			return nil, fmt.Errorf("%s: it holds an object of class %s, which only its own code can make sense of: save the weights alone: %s", t.file, c.what, saveState)
		}
		return nil, fmt.Errorf("%s: it holds %s, expected a dictionary of tensors: %s", t.file, described(root), saveState)
	}
	d, err := t.weights(d)
	if err != nil {
		return nil, err
	}
	c := &container{file: t.file, ordered: true, metadata: map[string]string{}, byName: map[string]*tensor{}}
	var data []byte
	for i, k := range d.keys {
		name, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("%s: a key of the dictionary is %s, expected the name of a tensor", t.file, described(k))
		}
		call, ok := d.values[i].(*pyCall)
		if ok && call.what == "torch._utils._rebuild_parameter" && len(call.args) > 0 {
			call, ok = call.args[0].(*pyCall)
		}
		if quantized(name, call) {
			return nil, fmt.Errorf("%s: %q belongs to a quantized model, which lower would have to quantize once more: save the float model that it was made of, before quantize_dynamic or convert: %s", t.file, name, saveState)
		}
		if !ok || call == nil || call.what != rebuildTensor {
			if ok && call != nil {
				return nil, fmt.Errorf("%s: %q is an object of class %s, expected a tensor: %s", t.file, name, call.what, saveState)
			}
			return nil, fmt.Errorf("%s: %q is %s, expected a tensor: %s", t.file, name, described(d.values[i]), saveState)
		}
		x, raw, err := t.tensor(name, call.args)
		if err != nil {
			return nil, err
		}
		if c.byName[name] != nil {
			return nil, fmt.Errorf("%s: tensor %q is there twice", t.file, name)
		}
		x.begin = int64(len(data))
		if data = append(data, raw...); len(data) > maxStored {
			return nil, fmt.Errorf("%s: more than %d bytes of tensors", t.file, maxStored)
		}
		x.end = int64(len(data))
		c.tensors = append(c.tensors, x)
		c.byName[name] = x
	}
	c.data = bytes.NewReader(data)
	return c, nil
}

// quantized reports whether an entry of a state dict is one of PyTorch's quantized modules.
func quantized(name string, call *pyCall) bool {
	return strings.Contains(name, "_packed_params") || strings.Contains(name, "_all_weight_values.") || call != nil && call.what == "torch._utils._rebuild_qtensor"
}

func integers(v any) ([]int, bool) {
	t, ok := v.(pyTuple)
	out := make([]int, len(t))
	for i, x := range t {
		n, isInt := x.(int64)
		if !isInt || n < 0 || n > maxElements {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, ok
}

// tensor takes the elements of a view out of its storage:
// _rebuild_tensor_v2(storage, offset, size, stride, …), and the storage is
// ("storage", class, key, location, elements).
func (t *torchFile) tensor(name string, args []any) (*tensor, []byte, error) {
	bad := func() (*tensor, []byte, error) {
		return nil, nil, fmt.Errorf("%s: tensor %q is not written as PyTorch does", t.file, name)
	}
	if len(args) < 4 {
		return bad()
	}
	ref, ok := args[0].(pyStored)
	id, also := ref.id.(pyTuple)
	offset, isInt := args[1].(int64)
	if len(args) > 6 {
		if meta, ok := args[6].(*pyDict); !ok || len(meta.keys) > 0 { // such as neg, which turns the sign
			return nil, nil, fmt.Errorf("%s: tensor %q is a view that computes (%s): save a copy, {k: v.clone() for k, v in model.state_dict().items()}", t.file, name, described(args[6]))
		}
	}
	shape, hasShape := integers(args[2])
	stride, hasStride := integers(args[3])
	if !ok || !also || !isInt || !hasShape || !hasStride || len(id) < 5 || len(shape) != len(stride) || len(shape) > 8 || offset < 0 || offset > maxElements {
		return bad()
	}
	class, ok := id[1].(pyName)
	key, also := id[2].(string)
	dtype := torchTypes[class]
	if !ok || !also || dtype == "" {
		return nil, nil, fmt.Errorf("%s: tensor %q has a storage of class %v, which is not read", t.file, name, id[1])
	}
	storage, ok := t.storages[key]
	if !ok {
		var err error
		if storage, err = t.record("data/" + key); err != nil {
			return nil, nil, err
		}
		t.storages[key] = storage
	}
	width, n, last := int(dtypeSize[dtype]), 1, int(offset)
	for i, d := range shape {
		if d > 0 && n > maxStored/width/d {
			return nil, nil, fmt.Errorf("%s: tensor %q: shape %v is out of range", t.file, name, shape)
		}
		n *= d
		last += max(d-1, 0) * stride[i]
	}
	if n > 0 && (last < 0 || last >= len(storage)/width) {
		return nil, nil, fmt.Errorf("%s: tensor %q of shape %v reaches beyond its storage of %d elements", t.file, name, shape, len(storage)/width)
	}
	raw := make([]byte, 0, n*width)
	index := make([]int, len(shape))
	for range n {
		at := int(offset)
		for d, i := range index {
			at += i * stride[d]
		}
		raw = append(raw, storage[at*width:(at+1)*width]...)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return &tensor{name: name, dtype: dtype, shape: shape}, raw, nil
}
