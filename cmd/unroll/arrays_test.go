// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/npy"
)

// member is a command of the scripts: member FILE.npz NAME OUT.npy takes an array out
// of an archive.
func member(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("member: expected 3 arguments, found %q", args)
	}
	raw, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	arrays, err := npy.ReadArchive(args[0], bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return err
	}
	a := arrays[args[1]]
	if a == nil {
		return fmt.Errorf("%s: there is no array %q", args[0], args[1])
	}
	var out bytes.Buffer
	if err := npy.Write(&out, a); err != nil {
		return err
	}
	return os.WriteFile(args[2], out.Bytes(), 0o666)
}

// near is a command of the scripts: near A.npy B.npy LIMIT fails where shapes differ
// or elements by more than the limit.
func near(args []string) error {
	flat := len(args) == 4 && args[3] == "flat" // shapes may differ
	if len(args) != 3 && !flat {
		return fmt.Errorf("near: expected 3 arguments, or flat behind them, found %q", args)
	}
	var both [2]*npy.Array
	for i := range both {
		raw, err := os.ReadFile(args[i])
		if err != nil {
			return err
		}
		if both[i], err = npy.Read(args[i], bytes.NewReader(raw)); err != nil {
			return err
		}
	}
	limit, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return err
	}
	a, b := both[0], both[1]
	if !slices.Equal(a.Shape, b.Shape) && !(flat && a.Elements() == b.Elements()) {
		return fmt.Errorf("%s has shape %v, %s has %v", args[0], a.Shape, args[1], b.Shape)
	}
	for i := range a.Elements() {
		if d := math.Abs(a.Float(i) - b.Float(i)); !(d <= limit) {
			return fmt.Errorf("element %d: %v and %v", i, a.Float(i), b.Float(i))
		}
	}
	return nil
}

// archive is a command of the scripts: archive OUT.npz NAME A.npy … packs arrays.
func archive(args []string) error {
	arrays := map[string]*npy.Array{}
	for i := 1; i+1 < len(args); i += 2 {
		raw, err := os.ReadFile(args[i+1])
		if err != nil {
			return err
		}
		if arrays[args[i]], err = npy.Read(args[i+1], bytes.NewReader(raw)); err != nil {
			return err
		}
	}
	var out bytes.Buffer
	if err := npy.WriteArchive(&out, arrays); err != nil {
		return err
	}
	return os.WriteFile(args[0], out.Bytes(), 0o666)
}

// frames is a command of the scripts: frames D,D,D FILE [NAME] writes an array of smooth
// numbers, or an archive with it under a name.
func frames(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("frames: expected 2 or 3 arguments, found %q", args)
	}
	a, n := &npy.Array{Name: args[1], Type: "<f4"}, 1
	for _, d := range strings.Split(args[0], ",") {
		size, err := strconv.Atoi(d)
		if err != nil {
			return err
		}
		a.Shape = append(a.Shape, size)
		n *= size
	}
	for i := range n {
		v := math.Sin(float64(i)*0.7) + math.Cos(float64(i*i)*0.05)
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(v)))
	}
	var out bytes.Buffer
	var err error
	if len(args) == 3 {
		err = npy.WriteArchive(&out, map[string]*npy.Array{args[2]: a})
	} else {
		err = npy.Write(&out, a)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(args[1], out.Bytes(), 0o666)
}
