// SPDX-License-Identifier: Apache-2.0

// Package weights is the weight path of the Ethos-U55, U65 and U85: the compressed
// weight stream, the order of weights in it, and the bias and scale records.
//
// In come weight tensors (OHWI, zero point removed) with the layout of the
// operation that will read them; out come the bytes of a weight stream, and back.
// The way to a stream is Reorder (order.go), then Encode (encode.go); the way back
// is Decode (decode.go), then Restore. Records (record.go) are the other input of
// a convolution.
//
// A stream is a list of slices, each a header and Rice-coded or plain indices,
// ended by a marker. stream.go has the terms, chunk.go the bit interleaving,
// params.go and search.go choose coding parameters, vela.go chooses as the Vela
// compiler does.
//
// The U85 reads the same streams in another order (order_u85.go: LayoutU85), or streams of
// a fast decoder (fast.go); EncodeU85 and DecodeU85 (streams_u85.go) are the whole way,
// PackRecordsU85 its records.
package weights
