// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Words of Keras' descriptions that chains of layers and graphs read alike.

// merges are operators on values that are the layers of the same name.
var merges = []string{"Add", "Subtract", "Multiply", "Maximum", "Minimum"}

// KerasClass is a layer's class, with what comes before it where that is not Keras' own
// layer: a class of another program may have the name of one, and so have operators on
// values (keras.ops), whose words mean other things.
func KerasClass(module, registered, class string) string {
	root, _, _ := strings.Cut(module, ".")
	switch {
	case strings.Contains(registered, ">"):
		return registered
	case root != "" && root != "keras" && root != "tf_keras" && root != "tensorflow":
		return module + "." + class
	case strings.Contains(module+".", ".ops.") && !slices.Contains(merges, class):
		return "ops." + class
	}
	return class
}

// KerasRealType reports whether the weights of a layer's dtype, a name or a policy that
// has one, are the numbers that it computes with. Those of quantized layers are codes,
// with a scale beside them.
func KerasRealType(v any) bool {
	if policy, ok := v.(map[string]any); ok {
		inner, _ := policy["config"].(map[string]any)
		v = inner["name"]
	}
	switch v {
	case "float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16":
		return true
	}
	return false
}

// KerasOdd names an argument of a call that changes what a layer computes, "" for none.
func KerasOdd(kwargs map[string]any) string {
	for _, key := range slices.Sorted(maps.Keys(kwargs)) {
		switch v := kwargs[key]; {
		case v == nil || key == "name" || key == "training" && (v == false || v == 0.0):
		case key == "training":
			return "training=true, as no model is used"
		default:
			return key
		}
	}
	return ""
}

// harmless are words of a description that change nothing when a network is used.
var harmless = strings.Fields(`name trainable batch_input_shape batch_shape input_shape input_dtype sparse ragged seed noise_shape
	dropout recurrent_dropout implementation unroll autocast registered_name module build_config optional momentum synchronized count
	recurrent_initializer unit_forget_bias rate stddev renorm_momentum dynamic input_length lora_rank return_sequences_initializer use_cudnn`)

// off are words that say nothing where they are false. Those whose false is not the default are
// read, or refused.
var off = strings.Fields(`stateful go_backwards return_sequences return_state time_major zero_output_for_mask keepdims renorm fused invert rms_scaling
	normalize use_scale reverse_state_order mask_zero flash_attention use_gate antialias supports_masking weight_sample`)

// KerasKnown refuses words of a layer's description that nobody here knows the meaning of:
// keys are those that the caller reads, separated by spaces.
func KerasKnown(config map[string]any, keys string) error {
	read := strings.Fields(keys)
	for _, key := range slices.Sorted(maps.Keys(config)) {
		v := config[key]
		switch {
		case key == "dtype" && v != nil:
			if !KerasRealType(v) {
				return fmt.Errorf("dtype %v: its weights are no real numbers; save the model before it is quantized", v)
			}
		// What is null was not given: where that says something, the word is read.
		case v == nil || (v == false || v == 0.0) && slices.Contains(off, key) || slices.Contains(harmless, key) || slices.Contains(read, key):
		case strings.HasSuffix(key, "_initializer") || strings.HasSuffix(key, "_regularizer") || strings.HasSuffix(key, "_constraint"):
		default:
			return fmt.Errorf("its description says %s=%v, which there is no form for", key, v)
		}
	}
	return nil
}
