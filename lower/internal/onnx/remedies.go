// SPDX-License-Identifier: Apache-2.0

package onnx

import "strings"

// remedies are words for operators that are known and cannot be had.
var remedies = map[string]string{}

// elsewhere says what to do about operators of a domain of others.
func elsewhere(domain string) string {
	switch {
	case domain == "ai.onnx.ml":
		return "write scalers and linear models as Sub, Mul, MatMul and Add, and leave labels and trees to the application"
	case domain == "com.microsoft":
		return "take the model as it was before ONNX Runtime optimized it"
	case strings.HasPrefix(domain, "com.microsoft."), strings.HasPrefix(domain, "ai.onnx."):
		return "export the model for inference, without them"
	}
	return "export without them, or with functions in the model that define them"
}

func init() {
	for _, r := range []struct{ operators, why string }{
		{"ArgMax", "it gives indices; take it out of the model and choose the largest output in the application"},
		{"ArgMin", "it gives indices; take it out of the model and choose the smallest output in the application"},
		{"TopK", "it gives indices; take it out of the model and sort the outputs in the application"},
		{"NonMaxSuppression", "it gives indices, as many as the data decide; end the model before it"},
		{"Unique", "the size of its output depends on the data; compute it outside of the model"},
		{"Asin Acos Atan", "no sum of operators that the NPU has gives it; end the model before it and compute the angle in the application"},
		{"RandomNormal RandomNormalLike RandomUniform RandomUniformLike Multinomial Bernoulli",
			"it draws numbers, and its seed is not known here; export the model for inference (model.eval()), or make the numbers an input"},
		{"SoftmaxCrossEntropyLoss NegativeLogLikelihoodLoss Gradient Momentum Adagrad Adam", "it belongs to training; export the model for inference"},
		{"Attention RotaryEmbedding AffineGrid Col2Im CenterCropPad TensorScatter",
			"there is no such operator here; export with opset 17, where it is written out by others"},
		{"GridSample RoiAlign MaxRoiPool MaxUnpool DeformConv", "it reads where the data say; compute it outside of the model"},
		{"BitShift BitwiseAnd BitwiseOr BitwiseXor BitwiseNot", "it computes with integers, and what is computed is real numbers here; write it by Floor, Mul and Sub"},
		{"SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SequenceMap SplitToSequence ConcatFromSequence Optional OptionalGetElement OptionalHasElement",
			"it computes with lists of tensors; export the model with tensors alone"},
		{"StringConcat StringNormalizer StringSplit RegexFullMatch TfIdfVectorizer LabelEncoder ImageDecoder", "it reads no numbers; feed the model with what it makes"},
	} {
		for op := range strings.FieldsSeq(r.operators) {
			remedies[op] = r.why
		}
	}
}
