// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/unroll-npu/unroll/firmware/run"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/tune"
)

// schemaFile describes what every verb prints with --json.
const schemaFile = "../../docs/schema.json"

// printed are the types that verbs print. A verb may print one of several.
var printed = map[string][]any{
	"build": {built{}}, "train": {trained{}}, "tune": {tuned{}, tune.Result{}}, "lower": {lowered{}, importedGraph{}}, "compile": {sequenceFigures{}}, "generate": {generated{}, checked{}},
	"run": {run.Report{}}, "flash": {flashed{}}, "simulate": {simulated{}}, "inspect": {inspected{}, graph.Summary{}}, "verify": {verified{}},
	"report": {reported{}}, "check": {checkedFigures{}}, "bench": {benchedSimulation{}, benchedCompilation{}, benchedTraining{}, benchedLevels{}, benchedBound{}}, "doctor": {doctored{}},
	"docs": {documented{}}, "version": {buildInfo{}},
}

// talks are the verbs that have nothing to print, for they talk to other programs.
var talks = map[string]bool{"sim": true}

// TestSchema writes the schema from the types, and holds docs to it: what is printed cannot
// change unseen. Every verb is in it.
func TestSchema(t *testing.T) {
	defs := map[string]any{}
	for _, v := range verbs() {
		types, prints := printed[v.name], v.command().Flags().Lookup("json") != nil
		if prints != (types != nil) || !prints && !talks[v.name] {
			t.Errorf("verb %s has --json: %v; the schema knows %d types that it prints", v.name, prints, len(types))
		}
		if !prints {
			continue
		}
		var any []any
		for _, p := range types {
			any = append(any, schemaOf(reflect.TypeOf(p)))
		}
		if len(any) == 1 {
			defs[v.name] = any[0]
		} else {
			defs[v.name] = map[string]interface{}{"anyOf": any}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "What the verbs of unroll print with --json", "$defs": defs}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("docs/schema.json is not what the types say (go test ./cmd/unroll -run Schema -update): -want +got:\n%s", d)
	}
}

// schemaOf describes the JSON of a type. Keys without omitempty are required.
func schemaOf(t reflect.Type) map[string]any {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem())
		if kind, ok := s["type"].(string); ok {
			s["type"] = []string{kind, "null"}
		}
		return s
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		fields(t, properties, &required)
		slices.Sort(required)
		return map[string]any{"type": "object", "properties": properties, "required": required}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": []string{"string", "null"}}
		}
		kind := any([]string{"array", "null"})
		if t.Kind() == reflect.Array {
			kind = "array"
		}
		return map[string]any{"type": kind, "items": schemaOf(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "integer"}
}

func fields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			fields(f.Type, properties, required)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		properties[name] = schemaOf(f.Type)
		if !strings.Contains(options, "omitempty") {
			*required = append(*required, name)
		}
	}
}

// holdToSchema is a command of the scripts: schema VERB FILE holds what a verb printed to
// docs/schema.json.
func holdToSchema(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("schema: expected a verb and a file")
	}
	file, err := os.Open(filepath.Join(os.Getenv("ROOT"), "docs", "schema.json"))
	if err != nil {
		return err
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		return err
	}
	s, err := c.Compile("schema.json#/$defs/" + args[0])
	if err != nil {
		return err
	}
	b, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("%s printed no JSON: %w", args[0], err)
	}
	if d.More() {
		return fmt.Errorf("%s printed more than one object", args[0])
	}
	return s.Validate(v)
}
