package compile

import (
	"os"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

func TestPr(t *testing.T) {
	data, _ := os.ReadFile(os.Getenv("PR"))
	g, err := tflite.Read("x", data)
	if err != nil {
		t.Skip()
	}
	graph.Fprint(os.Stdout, g)
}
