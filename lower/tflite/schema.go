// SPDX-License-Identifier: Apache-2.0

package tflite

// Field slots of the tables of the TFLite schema, version 3. A slot is the
// index of a field in its table's vtable.
const (
	fileIdentifier = "TFL3"
	schemaVersion  = 3

	modelVersion       = 0
	modelOperatorCodes = 1
	modelSubgraphs     = 2
	modelDescription   = 3
	modelBuffers       = 4
	modelMetadata      = 6
	modelSignatures    = 7
	modelFields        = 8

	codeDeprecated = 0 // int8, the builtin code up to 127
	codeCustom     = 1
	codeVersion    = 2
	codeBuiltin    = 3 // int32
	codeFields     = 4

	subgraphTensors   = 0
	subgraphInputs    = 1
	subgraphOutputs   = 2
	subgraphOperators = 3
	subgraphName      = 4
	subgraphFields    = 5

	tensorShape    = 0
	tensorType     = 1
	tensorBuffer   = 2
	tensorName     = 3
	tensorQuant    = 4
	tensorVariable = 5
	tensorSparsity = 6
	tensorFields   = 6

	quantScale  = 2
	quantZero   = 3
	quantDetail = 4 // union type of custom quantization
	quantAxis   = 6
	quantFields = 7

	operatorCode          = 0
	operatorInputs        = 1
	operatorOutputs       = 2
	operatorOptionsType   = 3
	operatorOptions       = 4
	operatorCustomOptions = 5
	operatorIntermediates = 8
	operatorFields        = 9

	bufferData   = 0
	bufferOffset = 1 // of data behind the FlatBuffer, for huge models
	bufferSize   = 2
	bufferFields = 1

	metadataName   = 0
	metadataBuffer = 1
	metadataFields = 2

	signatureInputs   = 0
	signatureOutputs  = 1
	signatureKey      = 2
	signatureSubgraph = 4
	signatureFields   = 5

	tensorMapName   = 0
	tensorMapTensor = 1
	tensorMapFields = 2
)
