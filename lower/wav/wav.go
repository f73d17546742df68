// SPDX-License-Identifier: Apache-2.0

// Package wav reads WAV files, safe on hostile input, and changes sample rates. Only what
// a recording for a network is stored as is read: integer PCM of 8, 16, 24
// or 32 bits or IEEE floats of 32 or 64 bits, of one channel, or of several of which one or their
// mean is asked for. Whatever else a file holds is refused by
// name, never guessed at.
package wav

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/unroll-npu/unroll/lower/budget"
)

// Sound is a recording of one channel.
type Sound struct {
	Rate    int       // samples a second
	Samples []float32 // 1 is full scale; integers are divided by their largest magnitude
}

// Encodings of the format chunk.
const (
	encodingPCM        = 1
	encodingFloat      = 3
	encodingExtensible = 0xFFFE
)

// maxRate bounds sample rates: what lies beyond is a broken header.
const maxRate = 1 << 20

// loudest is the largest magnitude of a float sample: integers of 32 bits, written as floats
// without a scale, have it, and the power of a frame of such samples is a number yet.
const loudest = 0x1p31

// Open reads a file. channel says what is taken of several: see Channel.
func Open(file, channel string) (*Sound, error) {
	if info, err := os.Stat(file); err != nil {
		return nil, err
	} else if err := budget.Ask(file, 5*info.Size()); err != nil { // bytes of 8-bit samples become floats
		return nil, err
	}
	b, err := budget.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Read(file, b, channel)
}

// format is what the format chunk says.
type format struct {
	encoding, channels, rate, bits, width int // width: bytes of a sample
}

// endless is the size of a data chunk whose end was not known when it began, as programs write it
// into a pipe: samples go on to the end of the file.
const endless = math.MaxUint32

// Read reads the bytes of a file; name is used in messages, channel as in Open. A data chunk that ends early,
// as recorders leave it that were switched off, is an error.
func Read(name string, b []byte, channel string) (*Sound, error) {
	fail := func(what string, args ...any) (*Sound, error) {
		return nil, fmt.Errorf("%s: %s", name, fmt.Sprintf(what, args...))
	}
	if len(b) < 12 || string(b[8:12]) != "WAVE" || string(b[:4]) != "RIFF" {
		if len(b) >= 4 && (string(b[:4]) == "RIFX" || string(b[:4]) == "RF64") {
			return fail("a WAVE file of the kind %s: expected RIFF; write it as plain WAV", b[:4])
		}
		return fail("no WAV file: it does not begin with RIFF … WAVE")
	}
	var f *format
	for at := 12; ; {
		if len(b)-at < 8 {
			if f == nil {
				return fail("no format chunk")
			}
			return fail("no data chunk")
		}
		id, size := string(b[at:at+4]), int64(binary.LittleEndian.Uint32(b[at+4:]))
		at += 8
		left := int64(len(b) - at)
		if id == "data" {
			if f == nil {
				return fail("the data chunk stands before the format chunk")
			}
			if size == endless {
				size = left
			}
			if size > left {
				return fail("the data chunk announces %d bytes, %d are there: the file is cut off", size, left)
			}
			take, err := f.choose(name, channel)
			if err != nil {
				return nil, err
			}
			return decode(name, f, b[at:at+int(size)], take)
		}
		if size > left {
			return fail("chunk %q announces %d bytes, %d are there: the file is cut off", id, size, left)
		}
		if id == "fmt " {
			var err error
			if f, err = parseFormat(b[at : at+int(size)]); err != nil {
				return fail("%v", err)
			}
		}
		at += int(min(size+size%2, left))
	}
}

func parseFormat(b []byte) (*format, error) {
	if len(b) < 16 {
		return nil, fmt.Errorf("format chunk of %d bytes, expected at least 16", len(b))
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
	f := &format{encoding: word(0), channels: word(2), rate: int(binary.LittleEndian.Uint32(b[4:])), bits: word(14)}
	if f.encoding == encodingExtensible {
		if len(b) < 40 {
			return nil, fmt.Errorf("extensible format chunk of %d bytes, expected at least 40", len(b))
		}
		f.encoding = word(24)
	}
	switch {
	case f.encoding != encodingPCM && f.encoding != encodingFloat:
		return nil, fmt.Errorf("encoding %#x, expected PCM (1) or IEEE float (3): decode it to PCM, with ffmpeg or sox", f.encoding)
	case f.channels < 1:
		return nil, fmt.Errorf("%d channels, expected 1 or more", f.channels)
	case f.rate < 1 || f.rate > maxRate:
		return nil, fmt.Errorf("%d samples a second: expected 1 to %d", f.rate, maxRate)
	case f.encoding == encodingPCM && (f.bits%8 != 0 || f.bits < 8 || f.bits > 32):
		return nil, fmt.Errorf("integers of %d bits, expected 8, 16, 24 or 32", f.bits)
	case f.encoding == encodingFloat && f.bits != 32 && f.bits != 64:
		return nil, fmt.Errorf("floats of %d bits, expected 32 or 64", f.bits)
	}
	f.width = f.bits / 8
	if align := word(12); align != f.width*f.channels {
		return nil, fmt.Errorf("a sample of %d channels takes %d bytes by the block alignment, %d by its %d bits", f.channels, align, f.width*f.channels, f.bits)
	}
	return f, nil
}

// decode makes samples of the data: of a channel, or the mean of all where take is mean.
func decode(name string, f *format, b []byte, take int) (*Sound, error) {
	block := f.width * f.channels
	if len(b)%block != 0 {
		return nil, fmt.Errorf("%s: %d bytes of data are no whole number of samples of %d bytes", name, len(b), block)
	}
	s := &Sound{Rate: f.rate, Samples: make([]float32, len(b)/block)}
	for i := range s.Samples {
		sum := 0.0
		for c := range f.channels {
			x := f.sample(b[i*block+c*f.width:])
			if !(math.Abs(x) <= loudest) {
				return nil, fmt.Errorf("%s: sample %d is %v: expected finite numbers, 1 for full scale and at most 2^31", name, i, x)
			}
			if take == mean {
				sum += x / float64(f.channels)
			} else if c == take {
				sum = x
			}
		}
		s.Samples[i] = float32(sum)
	}
	return s, nil
}

// sample decodes the first bytes.
func (f *format) sample(v []byte) float64 {
	switch {
	case f.encoding == encodingFloat && f.width == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(v)))
	case f.encoding == encodingFloat:
		return math.Float64frombits(binary.LittleEndian.Uint64(v))
	case f.width == 1: // the one width without a sign
		return (float64(v[0]) - 128) / (1 << 7)
	case f.width == 2:
		return float64(int16(binary.LittleEndian.Uint16(v))) / (1 << 15)
	case f.width == 3:
		return float64(int32(v[0])<<8|int32(v[1])<<16|int32(v[2])<<24) / (1 << 31)
	}
	return float64(int32(binary.LittleEndian.Uint32(v))) / (1 << 31)
}
