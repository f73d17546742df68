// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"slices"
	"strings"
	"testing"
)

// Which registers an operation reads, by what the others hold. Each case names registers
// that are read and, behind a minus, such that are not.
func TestConsumes(t *testing.T) {
	const (
		tiles = "NPU_SET_OFM_WIDTH_M1 width_m1=9\nNPU_SET_OFM_HEIGHT_M1 height_m1=9\nNPU_SET_%s_WIDTH0_M1 width_m1=W\nNPU_SET_%s_HEIGHT0_M1 height_m1=A\nNPU_SET_%s_HEIGHT1_M1 height_m1=B\n"
		mul   = "NPU_OP_ELEMENTWISE elementwise_mode=0"
		bank  = "NPU_SET_IFM2_BROADCAST broadcast_constant=1\n"
	)
	tiled := func(m, w, a, b string) string {
		return strings.NewReplacer("%s", m, "=W", "="+w, "=A", "="+a, "=B", "="+b).Replace(tiles)
	}
	for _, c := range []struct {
		text  string
		p     Product
		cores int
		want  string
	}{
		{"NPU_OP_ELEMENTWISE elementwise_mode=1", U55, 1, "OPA_SCALE OPB_SCALE OFM_SCALE IFM2_BASE0 IFM2_PRECISION IFM2_ZERO_POINT IFM2_BROADCAST -IFM2_SCALAR -WEIGHT_BASE -KERNEL_STRIDE -IFM_PAD_TOP"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=2", U55, 1, "OPA_SCALE OPB_SCALE OFM_SCALE"},
		{mul, U55, 1, "-OPA_SCALE -OPB_SCALE OFM_SCALE IFM2_REGION"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=3", U55, 1, "-OFM_SCALE -OPA_SCALE"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=4", U55, 1, "-OFM_SCALE"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=7", U55, 1, "-OFM_SCALE -IFM2_BASE0 -IFM2_BROADCAST"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=8", U55, 1, "-OFM_SCALE"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=9", U55, 1, "-OFM_SCALE"},
		{"NPU_OP_ELEMENTWISE elementwise_mode=5", U55, 1, "OFM_SCALE -IFM2_BROADCAST -IFM2_REGION"},
		{bank + mul, U55, 1, "IFM2_SCALAR IFM2_PRECISION IFM2_ZERO_POINT IFM2_BROADCAST -IFM2_BASE0 -IFM2_REGION -IFM2_STRIDE_X -IFM2_IB_START"},
		// OFM_SCALE of pooling: a global scale, and not for the largest value.
		{"NPU_SET_OFM_PRECISION scale_mode=1\nNPU_OP_POOL pooling_mode=1", U55, 1, "OFM_SCALE IFM_PAD_TOP KERNEL_STRIDE -WEIGHT_BASE"},
		{"NPU_SET_OFM_PRECISION scale_mode=0\nNPU_OP_POOL pooling_mode=1", U55, 1, "-OFM_SCALE"},
		{"NPU_SET_OFM_PRECISION scale_mode=1\nNPU_OP_POOL pooling_mode=0", U55, 1, "-OFM_SCALE"},
		{"NPU_SET_OFM_PRECISION scale_mode=1\nNPU_OP_POOL pooling_mode=2", U55, 1, "OFM_SCALE"},
		{"NPU_OP_CONV", U55, 1, "WEIGHT_BASE WEIGHT_LENGTH SCALE_BASE -OFM_SCALE -OPA_SCALE -IFM2_BASE0 -DMA0_SRC"},
		{"NPU_OP_DEPTHWISE", U55, 1, "WEIGHT_BASE WEIGHT_LENGTH SCALE_BASE"},
		// The second core.
		{"NPU_SET_PARALLEL_MODE parallel_mode=1\nNPU_OP_CONV", U65, 2, "PARALLEL_MODE -WEIGHT1_BASE WEIGHT1_LENGTH -SCALE1_BASE SCALE1_LENGTH"},
		{"NPU_SET_PARALLEL_MODE parallel_mode=1\nNPU_SET_WEIGHT1_LENGTH length=16\nNPU_OP_CONV", U65, 2, "WEIGHT1_BASE WEIGHT1_LENGTH -SCALE1_BASE SCALE1_LENGTH"},
		{"NPU_SET_PARALLEL_MODE parallel_mode=1\nNPU_SET_SCALE1_LENGTH length=16\nNPU_OP_CONV", U65, 2, "-WEIGHT1_BASE WEIGHT1_LENGTH SCALE1_BASE SCALE1_LENGTH"},
		{"NPU_SET_PARALLEL_MODE parallel_mode=0\nNPU_OP_CONV", U65, 2, "PARALLEL_MODE -WEIGHT1_BASE -WEIGHT1_LENGTH -SCALE1_BASE -SCALE1_LENGTH"},
		{"NPU_OP_CONV", U65, 1, "-PARALLEL_MODE"},
		{"NPU_OP_CONV", U55, 2, "-PARALLEL_MODE"},
		// Transfers of one, two and three dimensions, on either side.
		{"NPU_OP_DMA_START", U65, 1, "DMA0_SRC DMA0_DST DMA0_LEN -DMA0_SIZE0 -DMA0_SIZE1 -DMA0_SKIP0 -DMA0_SKIP1 -IFM_BASE0"},
		{"NPU_SET_DMA0_SRC_REGION stride_mode=1\nNPU_OP_DMA_START", U65, 1, "DMA0_SIZE0 DMA0_SKIP0 -DMA0_SIZE1 -DMA0_SKIP1"},
		{"NPU_SET_DMA0_DST_REGION stride_mode=1\nNPU_OP_DMA_START", U65, 1, "DMA0_SIZE0 DMA0_SKIP0 -DMA0_SIZE1 -DMA0_SKIP1"},
		{"NPU_SET_DMA0_SRC_REGION stride_mode=2\nNPU_OP_DMA_START", U65, 1, "DMA0_SIZE0 DMA0_SKIP0 DMA0_SIZE1 DMA0_SKIP1"},
		{"NPU_SET_DMA0_DST_REGION stride_mode=2\nNPU_OP_DMA_START", U65, 1, "DMA0_SIZE0 DMA0_SKIP0 DMA0_SIZE1 DMA0_SKIP1"},
		{"NPU_SET_DMA0_DST_REGION stride_mode=2\nNPU_OP_DMA_START", U55, 1, "-DMA0_SKIP0 -DMA0_SKIP1"},
		// Other tiles: only what is as wide and high as the map needs.
		{tiled("OFM", "9", "9", "9") + mul, U55, 1, "OFM_BASE0 -OFM_HEIGHT1_M1 -OFM_BASE1 -OFM_BASE2 -OFM_BASE3"},
		{tiled("OFM", "8", "9", "9") + mul, U55, 1, "OFM_HEIGHT1_M1 OFM_BASE1 -OFM_BASE2 -OFM_BASE3"},
		{tiled("OFM", "9", "8", "8") + mul, U55, 1, "-OFM_HEIGHT1_M1 -OFM_BASE1 OFM_BASE2 -OFM_BASE3"},
		{tiled("OFM", "8", "8", "8") + mul, U55, 1, "OFM_HEIGHT1_M1 OFM_BASE1 OFM_BASE2 OFM_BASE3"},
		{tiled("OFM", "8", "8", "9") + mul, U55, 1, "OFM_BASE2 -OFM_BASE3"},
		{tiled("IFM", "8", "9", "9") + mul, U55, 1, "IFM_HEIGHT1_M1 IFM_BASE1 -IFM_BASE2 -IFM_BASE3"},
		{tiled("IFM", "8", "8", "8") + mul, U55, 1, "IFM_HEIGHT1_M1 IFM_BASE1 IFM_BASE2 IFM_BASE3"},
		{tiled("IFM2", "8", "9", "9") + mul, U55, 1, "IFM2_HEIGHT1_M1 IFM2_BASE1 -IFM2_BASE2 -IFM2_BASE3"},
		{tiled("IFM2", "8", "8", "8") + mul, U55, 1, "IFM2_HEIGHT1_M1 IFM2_BASE1 IFM2_BASE2 IFM2_BASE3"},
		{tiled("IFM2", "8", "8", "8") + bank + mul, U55, 1, "-IFM2_HEIGHT1_M1 -IFM2_BASE1 -IFM2_BASE2 -IFM2_BASE3"},
		// The stride between bricks, where there are any.
		{"NPU_SET_IFM_PRECISION format=1\n" + mul, U55, 1, "IFM_STRIDE_C -OFM_STRIDE_C -IFM2_STRIDE_C"},
		{"NPU_SET_OFM_PRECISION format=1\n" + mul, U55, 1, "-IFM_STRIDE_C OFM_STRIDE_C -IFM2_STRIDE_C"},
		{"NPU_SET_IFM2_PRECISION format=1\n" + mul, U55, 1, "-IFM_STRIDE_C -OFM_STRIDE_C IFM2_STRIDE_C"},
		{"NPU_SET_IFM2_PRECISION format=1\n" + bank + mul, U55, 1, "-IFM2_STRIDE_C"},
		{"NPU_OP_KERNEL_WAIT", U55, 1, "-IFM_BASE0 -OFM_BASE0 -DMA0_SRC"},
	} {
		o := operation(t, c.text)
		for _, name := range strings.Fields(c.want) {
			name, not := strings.CutPrefix(name, "-")
			r := LookupName("NPU_SET_" + name)
			if r == nil {
				t.Fatalf("no register %s", name)
			}
			if got := o.Consumes(r, c.p, c.cores); got == not {
				t.Errorf("%s on %v with %d cores reads %s: %v", c.text, c.p, c.cores, name, got)
			}
			if unset := slices.Contains(o.Unset(c.p, c.cores), r.Code); unset && (not || strings.Contains(c.text, r.Name+" ")) {
				t.Errorf("%s: %s is said to be missing", c.text, name)
			} else if !unset && !not && !strings.Contains(c.text, r.Name+" ") {
				t.Errorf("%s: %s is missing and not said to be", c.text, name)
			}
		}
		if o.Consumes(LookupName("NPU_OP_CONV"), c.p, c.cores) {
			t.Errorf("%s reads an operation", c.text)
		}
	}
}
