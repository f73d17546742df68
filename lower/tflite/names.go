// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// ethosU is the custom code of an operator that the NPU executes.
const ethosU = "ethos-u"

// foreignNames are the schema's names, by number from 0, of all operators up
// to a recent schema, for messages about those that are not supported.
var foreignNames = strings.Fields(`ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE
EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH
CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND
SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP
TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER
GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT
SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN
FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD
ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG
ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND
HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS
RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD
UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT`)

// advice says what to do about operators that are not supported, in files of any type but
// for those of class graph.Written, which files of float32 may have.
var advice = func() map[string]string {
	all := map[string]string{}
	for what, names := range map[string]string{
		"write the transform as a FULLY_CONNECTED or CONV_2D with fixed weights (a matrix of cosines and sines), or compute it in the application and feed the spectrum": "RFFT2D",
		"keep real and imaginary parts as two tensors, and take the root of the sum of their squares":                                                                    "COMPLEX_ABS",
		"convert the recurrent layer with unroll=True":                            "WHILE UNIDIRECTIONAL_SEQUENCE_RNN",
		"remove control flow before converting":                                   "IF CALL",
		"convert the Keras layer with unroll=True":                                "LSTM RNN",
		"use two layers and convert them with unroll=True":                        "BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN",
		"express it with builtin operators":                                       "CUSTOM DELEGATE",
		"the file is damaged":                                                     "PLACEHOLDER_FOR_GREATER_OP_CODES",
		"look texts and keys up in the application, and feed what they stand for": "HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE HASHTABLE_LOOKUP LSH_PROJECTION SKIP_GRAM",
		"add up the rows of the table in the application, and feed the sum":       "EMBEDDING_LOOKUP_SPARSE CONCAT_EMBEDDINGS",
		"end the network with the values that it chooses from (leave it out before converting), and choose in the application": "TOPK_V2 NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 WHERE UNIQUE MULTINOMIAL BUCKETIZE",
		"there is no random number at run time: convert the network for inference, or feed noise as an input":                  "RANDOM_STANDARD_NORMAL RANDOM_UNIFORM",
		"use one or two dimensions: CONV_2D over the last two, with the others as channels":                                    "CONV_3D CONV_3D_TRANSPOSE",
		"add up with a fixed matrix (a product with zeros and ones)":                                                           "SEGMENT_SUM UNSORTED_SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN",
		"convert without sparsity":                                    "DENSIFY",
		"compute the angle in the application":                        "ATAN2",
		"compute with real numbers, and with bits in the application": "BITCAST BITWISE_XOR RIGHT_SHIFT",
		"convert without quantization-aware training's markers: finish it by tfmot.quantization.keras.quantize_apply and convert": "FAKE_QUANT",
	} {
		for _, name := range strings.Fields(names) {
			all[name] = what
		}
	}
	return all
}()

func unsupported(i int, code opCode) error {
	name := fmt.Sprintf("Op(%d)", int32(code.kind))
	if k := int(code.kind); k >= 0 && k < len(foreignNames) {
		name = foreignNames[k]
	}
	what, ok := advice[name]
	if !ok {
		what = "compute it outside of the network, or change the network to do without it"
	}
	if d := graph.Describe(code.kind); !ok && d != nil && d.Class == graph.Written {
		what = "compute it outside of the network, or change the network to do without it; unroll lower has it in files of float32"
	}
	if code.kind >= 162 {
		what = "it belongs to the STABLEHLO and later operators of the converter; convert with TFLITE_BUILTINS of TensorFlow"
	}
	if code.kind == graph.Custom {
		name = fmt.Sprintf("CUSTOM %q", code.custom)
	}
	return fmt.Errorf("operator %d: %s is not supported; %s", i, name, what)
}

// foreignType says what to do about a tensor of a type that is not supported.
func foreignType(tensor string, t graph.DType) error {
	name := typeName(t)
	what := "quantize the model to int8 or int16"
	switch name {
	case "RESOURCE", "VARIANT":
		what = "make the state an input and an output of the model"
	case "BOOL", "STRING":
		what = "compute it outside of the network"
	}
	return fmt.Errorf("%s: type %s is not supported; %s", tensor, name, what)
}

// typeName names a tensor type of the schema that is not supported here.
func typeName(t graph.DType) string {
	names := []string{"FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64", "INT8", "FLOAT64",
		"COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4"}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}
