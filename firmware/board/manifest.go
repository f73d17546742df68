// SPDX-License-Identifier: Apache-2.0

package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// decode reads a manifest over a board. It refuses what would be passed over: keys that no manifest
// has, which are mistyped ones, and keys that are there twice.
func decode(text []byte, b *Board) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("is empty: expected an object, { ... }")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return located(text, err, d.InputOffset())
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("line %d: something follows the manifest's closing brace", line(text, d.InputOffset()))
	}
	return twice(text)
}

var unknownField = regexp.MustCompile(`^json: unknown field "(.*)"$`)

// located makes an error of package json one of the manifest: where, and in words that know of no Go.
func located(text []byte, err error, at int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch m := unknownField.FindStringSubmatch(err.Error()); {
	case m != nil:
		return fmt.Errorf("line %d: unknown key %q: CONTRIBUTING.md, \"Add a board\", says where the keys are explained", lineOfKey(text, m[1]), m[1])
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %w", line(text, syntax.Offset), err)
	case errors.As(err, &kind):
		where := fmt.Sprintf("%q", kind.Field)
		if kind.Field == "" {
			where = "the manifest"
		}
		return fmt.Errorf("line %d: %s is of the kind %s: expected %s", line(text, kind.Offset), where, kind.Value, kindOf(kind.Type.String()))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: the manifest ends before its closing brace", line(text, int64(len(text))))
	}
	return err
}

// kindOf says in words of JSON what a type of Go is read from.
func kindOf(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]int"):
		return "a list of numbers, [ ... ]"
	case strings.HasPrefix(goType, "[]string"):
		return "a list of texts, [ ... ]"
	case strings.HasPrefix(goType, "[2]"):
		return "an address and a size, [ ... ]"
	case strings.HasPrefix(goType, "["):
		return "a list, [ ... ]"
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	case goType == "int":
		return "a number"
	}
	return "an object, { ... }"
}

// line counts from 1.
func line(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset-1, 0), int64(len(text)))], []byte("\n"))
}

// lineOfKey is where a key is for the first time.
func lineOfKey(text []byte, key string) int {
	at := regexp.MustCompile(`"` + regexp.QuoteMeta(key) + `"\s*:`).FindIndex(text)
	if at == nil {
		return 1
	}
	return line(text, int64(at[0]+1))
}

// twice finds a key that an object has two times, of which package json would take the last.
func twice(text []byte) error {
	type level struct {
		keys   map[string]bool // nil in a list
		expect bool            // a key is next
	}
	var levels []level
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return nil // what is no JSON was refused before
		}
		top := len(levels) - 1
		switch t := token.(type) {
		case json.Delim:
			if t == '}' || t == ']' {
				levels = levels[:top]
				continue
			}
			if top >= 0 {
				levels[top].expect = levels[top].keys != nil
			}
			if t == '{' {
				levels = append(levels, level{map[string]bool{}, true})
			} else {
				levels = append(levels, level{})
			}
		default:
			key, isText := t.(string)
			if top < 0 || levels[top].keys == nil {
				continue
			}
			if !levels[top].expect || !isText {
				levels[top].expect = true
				continue
			}
			key = strings.ToLower(key) // package json takes "CPU" for "cpu"
			if levels[top].keys[key] {
				return fmt.Errorf("line %d: %q is there twice in one object", line(text, d.InputOffset()), key)
			}
			levels[top].keys[key], levels[top].expect = true, false
		}
	}
}
