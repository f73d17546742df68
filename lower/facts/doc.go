// SPDX-License-Identifier: Apache-2.0

// Package facts holds what is known of a network beside its weights: what its numbers
// mean, which data it was made from, what was measured.
//
// They travel with the artefact, as JSON in the metadata of a .safetensors and of a
// .tflite file, so that no later stage has to be told again or has to guess. The package
// knows nothing of the others. Open facts.go first.
package facts
