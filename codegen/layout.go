package codegen

import (
	"bytes"
	"strings"
)

// layoutC brings rendered C into the shape that the project's .clang-format asks
// for where a template cannot know it, because it depends on the lengths of names:
// it aligns consecutive macros, and breaks comments, declarations, calls and macros
// that are longer than a line. Regions between clang-format off and on stay.
func layoutC(src []byte) []byte {
	lines := strings.Split(strings.TrimRight(string(src), "\n"), "\n")
	var out []string
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " ")
		if strings.Contains(line, "clang-format off") {
			for ; i < len(lines) && !strings.Contains(lines[i], "clang-format on"); i++ {
				out = append(out, lines[i])
			}
			i--
			continue
		}
		if isMacro(line) {
			j := i
			for j < len(lines) && isMacro(lines[j]) {
				j++
			}
			out = append(out, alignMacros(lines[i:j])...)
			i = j - 1
			continue
		}
		out = append(out, breakLine(line)...)
	}
	var b bytes.Buffer
	blank := false
	for _, line := range out {
		if line == "" && blank {
			continue // clang-format keeps one blank line
		}
		blank = line == ""
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func isMacro(line string) bool { return strings.HasPrefix(line, "#define ") }

// alignMacros sets the bodies of consecutive macros in one column.
func alignMacros(lines []string) []string {
	width := 0
	heads, bodies := make([]string, len(lines)), make([]string, len(lines))
	for i, line := range lines {
		heads[i], bodies[i] = splitMacro(line)
		if bodies[i] != "" {
			width = max(width, len(heads[i]))
		}
	}
	var out []string
	for i, head := range heads {
		line := head
		if bodies[i] != "" {
			line += strings.Repeat(" ", width-len(head)+1) + bodies[i]
		}
		if len(line) <= lineWidth {
			out = append(out, line)
			continue
		}
		out = append(out, head+strings.Repeat(" ", lineWidth-1-len(head))+`\`, "    "+bodies[i])
	}
	return out
}

// splitMacro cuts a macro definition into name with parameters, and body.
func splitMacro(line string) (head, body string) {
	depth := 0
	for i := len("#define "); i < len(line); i++ {
		switch line[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ' ':
			if depth == 0 {
				return line[:i], strings.TrimLeft(line[i:], " ")
			}
		}
	}
	return line, ""
}

// breakLine breaks a line that is longer than the limit.
func breakLine(line string) []string {
	if len(line) <= lineWidth {
		return []string{line}
	}
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	switch {
	case strings.HasPrefix(text, "/*"):
		return breakComment(indent, text, indent+" * ")
	case strings.HasPrefix(text, "* "):
		return breakComment(indent, text, indent+"* "+paramIndent(text))
	case strings.HasPrefix(text, "#"):
		return []string{line}
	}
	return breakArguments(line)
}

// paramIndent keeps the text of a Doxygen parameter in its column.
func paramIndent(text string) string {
	rest, ok := strings.CutPrefix(text, "* @param ")
	if !ok {
		if strings.HasPrefix(text, "* @return ") {
			return strings.Repeat(" ", len("@return "))
		}
		return ""
	}
	name, doc, _ := strings.Cut(rest, " ")
	gap := len(doc) - len(strings.TrimLeft(doc, " "))
	return strings.Repeat(" ", len("@param ")+len(name)+1+gap)
}

func breakComment(indent, text, next string) []string {
	var out []string
	line := indent + text
	for len(line) > lineWidth {
		at := strings.LastIndexByte(line[:lineWidth+1], ' ')
		if at <= len(next) {
			break
		}
		out = append(out, line[:at])
		line = next + strings.TrimLeft(line[at:], " ")
	}
	return append(out, line)
}

// breakArguments breaks after commas, later lines aligned with the first argument.
func breakArguments(line string) []string {
	open := strings.IndexByte(line, '(')
	if open < 0 {
		return []string{line}
	}
	indent := strings.Repeat(" ", open+1)
	var out []string
	for len(line) > lineWidth {
		at := lastComma(line[:lineWidth], min(len(out), 1))
		if at <= len(indent) {
			break
		}
		out = append(out, line[:at+1])
		line = indent + strings.TrimLeft(line[at+1:], " ")
	}
	return append(out, line)
}

// lastComma finds the last comma of the outermost argument list that is no part of
// a string. At the start of s depth lists are open.
func lastComma(s string, depth int) int {
	at, quoted := -1, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == ',' && depth == 1:
			at = i
		}
	}
	return at
}
