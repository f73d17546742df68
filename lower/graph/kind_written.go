// SPDX-License-Identifier: Apache-2.0

package graph

// Operators that are read in files of float32 values alone, where others take their place:
// functions of rare use, those on truth values, and those on whole numbers, which have to be
// known when the file is read.
func init() {
	written := func(k Kind, name string, union uint8, in Count) Descriptor {
		return Descriptor{Kind: k, Name: name, Class: Written, Inputs: in, Outputs: one, Data: all, File: File{Union: union, Fields: NoFields}}
	}
	with := func(d Descriptor, attr any, fields func(f Fields, attr any) any) Descriptor {
		d.Attr, d.File.Fields = attr, fields
		return d
	}
	reducer := func(f Fields, attr any) any {
		a, _ := attr.(ReducerAttr)
		f.Bool(0, &a.KeepDims, false)
		return a
	}
	several := Count{0, many}
	loop := func(d Descriptor) Descriptor {
		d.Outputs = several
		return d
	}
	Register(
		written(EmbeddingLookup, "EMBEDDING_LOOKUP", 0, two),
		with(written(L2Pool2D, "L2_POOL_2D", 5, one), Pool2DAttr{}, poolFields),
		with(written(LocalResponseNormalization, "LOCAL_RESPONSE_NORMALIZATION", 13, one), LRNAttr{}, func(f Fields, attr any) any {
			a, _ := attr.(LRNAttr)
			f.Int(0, &a.Radius, 0)
			f.Float(1, &a.Bias)
			f.Float(2, &a.Alpha)
			f.Float(3, &a.Beta)
			return a
		}),
		written(Select, "SELECT", 47, three),
		written(SparseToDense, "SPARSE_TO_DENSE", 50, Count{4, 4}),
		with(written(ReduceProd, "REDUCE_PROD", 27, two), ReducerAttr{}, reducer),
		written(LogicalOr, "LOGICAL_OR", 60, two),
		with(written(OneHot, "ONE_HOT", 61, Count{4, 4}), OneHotAttr{}, func(f Fields, attr any) any {
			a, _ := attr.(OneHotAttr)
			f.Int(0, &a.Axis, 0)
			return a
		}),
		written(LogicalAnd, "LOGICAL_AND", 62, two),
		written(LogicalNot, "LOGICAL_NOT", 63, one),
		written(FloorDiv, "FLOOR_DIV", 65, two),
		with(written(ReduceAny, "REDUCE_ANY", 27, two), ReducerAttr{}, reducer),
		with(written(ReduceAll, "REDUCE_ALL", 27, two), ReducerAttr{}, reducer),
		written(ZerosLike, "ZEROS_LIKE", 67, one),
		written(FloorMod, "FLOOR_MOD", 72, two),
		written(Range, "RANGE", 73, three),
		written(GatherND, "GATHER_ND", 83, two),
		written(Rank, "RANK", 86, one),
		with(written(ReverseSequence, "REVERSE_SEQUENCE", 87, two), ReverseSequenceAttr{}, func(f Fields, attr any) any {
			a, _ := attr.(ReverseSequenceAttr)
			f.Int(0, &a.Dim, 0)
			f.Int(1, &a.BatchDim, 0)
			return a
		}),
		written(MatrixDiag, "MATRIX_DIAG", 88, one),
		written(MatrixSetDiag, "MATRIX_SET_DIAG", 90, two),
		written(ScatterND, "SCATTER_ND", 97, three),
		written(BroadcastArgs, "BROADCAST_ARGS", 0, two),
		written(DynamicUpdateSlice, "DYNAMIC_UPDATE_SLICE", 117, three),
		written(Relu0To1, "RELU_0_TO_1", 0, one),
		loop(with(written(If, "IF", 92, several), IfAttr{}, func(f Fields, attr any) any {
			a, _ := attr.(IfAttr)
			f.Int(0, &a.Then, 0)
			f.Int(1, &a.Else, 0)
			return a
		})),
		loop(with(written(While, "WHILE", 93, several), WhileAttr{}, func(f Fields, attr any) any {
			a, _ := attr.(WhileAttr)
			f.Int(0, &a.Cond, 0)
			f.Int(1, &a.Body, 0)
			return a
		})),
	)
}
