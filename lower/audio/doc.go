// SPDX-License-Identifier: Apache-2.0

// Package audio turns samples of sound into rows of features: logarithms of the energy in
// mel bands, or cepstral coefficients (MFCC).
//
// There are two writings of the same arithmetic: this package, for training and for
// judging, and the C of a generated project (templates/project/src/PREFIX_audio.c.tmpl),
// which takes the samples of a microphone. Both do every operation in float32 in the same
// order, logarithm included, so that their features are the same bits, and with them the
// decisions of a project's golden run. Whoever changes one changes the other.
//
// Open params.go first, then extract.go.
package audio
