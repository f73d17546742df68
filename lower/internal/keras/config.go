// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// config is the description of a layer, as JSON has it.
type config map[string]any

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func (c config) text(key, def string) string {
	if s, ok := c[key].(string); ok {
		return s
	}
	return def
}

func (c config) flag(key string, def bool) bool {
	if b, ok := c[key].(bool); ok {
		return b
	}
	return def
}

func (c config) number(key string, def float64) float64 {
	if f, ok := c[key].(float64); ok {
		return f
	}
	return def
}

const maxSize = 1 << 20

// whole reads a whole number from least on.
func (c config) whole(key string, def, least int) int {
	v, given := c[key]
	if !given || v == nil {
		return def
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < float64(least) || f > maxSize {
		refuse("%s is %v, expected a whole number from %d on", key, v, least)
	}
	return int(f)
}

// sizes reads n whole numbers, which may be written as one.
func (c config) sizes(key string, n, def int) []int {
	out := make([]int, n)
	list, isList := c[key].([]any)
	if !isList {
		for i := range out {
			out[i] = c.whole(key, def, 0)
		}
		return out
	}
	if len(list) != n {
		refuse("%s is %v, expected %d numbers", key, list, n)
	}
	for i, v := range list {
		out[i] = config{key: v}.whole(key, def, 0)
	}
	return out
}

// pairs reads before and after for n dimensions: one number, one for each dimension, or
// two for each.
func (c config) pairs(key string, n, def int) [][2]int {
	out := make([][2]int, n)
	list, isList := c[key].([]any)
	switch {
	case !isList:
		v := c.whole(key, def, 0)
		for i := range out {
			out[i] = [2]int{v, v}
		}
	case n == 1 && len(list) == 2:
		s := c.sizes(key, 2, 0)
		out[0] = [2]int{s[0], s[1]}
	case len(list) == n:
		for i, v := range list {
			s := config{key: v}.sizes(key, 2, 0)
			out[i] = [2]int{s[0], s[1]}
		}
	default:
		refuse("%s is %v, expected %d pairs of numbers", key, list, n)
	}
	return out
}

// shape reads dimensions, 0 for those that are open.
func shapeOf(v any) ([]int, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]int, len(list))
	for i, d := range list {
		if d == nil {
			continue
		}
		f, ok := d.(float64)
		if !ok || f < 1 || f > maxSize || f != math.Trunc(f) {
			return nil, false
		}
		out[i] = int(f)
	}
	return out, true
}

// refusal is what layers panic with; caught recovers it.
type refusal struct{ err error }

func refuse(format string, args ...any) { panic(refusal{fmt.Errorf(format, args...)}) }

func caught(err *error) {
	switch p := recover().(type) {
	case nil:
	case refusal:
		*err = p.err
	default:
		panic(p)
	}
}

// harmless are words of a description that change nothing when a network is used.
var harmless = strings.Fields(`name trainable dtype batch_input_shape batch_shape input_shape input_dtype sparse ragged seed noise_shape
	dropout recurrent_dropout implementation unroll autocast registered_name module build_config optional momentum synchronized count
	recurrent_initializer unit_forget_bias rate stddev renorm_momentum invert dynamic input_length lora_rank return_sequences_initializer use_cudnn`)

// known refuses words of a description that nobody here knows the meaning of.
func (l *Layer) known(keys string) {
	for _, key := range sortedKeys(l.Config) {
		v := l.Config[key]
		switch {
		case v == nil || v == false || slices.Contains(harmless, key) || slices.Contains(strings.Fields(keys), key):
		case strings.HasSuffix(key, "_initializer") || strings.HasSuffix(key, "_regularizer") || strings.HasSuffix(key, "_constraint"):
		default:
			refuse("its description says %s=%v, which there is no form for", key, v)
		}
	}
	if f := l.Config.text("data_format", "channels_last"); f != "channels_last" {
		refuse("data_format %s: expected channels_last", f)
	}
}
