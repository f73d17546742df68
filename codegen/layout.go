// SPDX-License-Identifier: Apache-2.0

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
	code := false // within @code
	for i := 0; i < len(lines); i++ {
		line := strings.TrimRight(lines[i], " ")
		switch strings.TrimLeft(line, " ") {
		case "* @code":
			code = true
		case "* @endcode":
			code = false
		}
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
		broken := breakLine(line)
		if last := len(broken) - 1; last > 0 && !code && i+1 < len(lines) {
			if rest, ok := paragraph(broken[last], lines[i+1]); ok {
				lines[i+1], broken = rest, broken[:last]
			}
		}
		out = append(out, broken...)
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
		lines := breakComment(indent, text, indent+" * ")
		if last := len(lines) - 1; lines[last] == indent+" * */" {
			lines[last] = indent + " */"
		}
		return lines
	case strings.HasPrefix(text, "* "):
		return breakComment(indent, text, indent+"* "+paramIndent(text))
	case strings.HasPrefix(text, "#"):
		return []string{line}
	}
	return breakStatement(line)
}

// paragraph joins what is left of a line of a comment that was broken with the line after
// it, where that goes on with the same paragraph: else one word would stand alone.
func paragraph(left, next string) (string, bool) {
	text, ok := strings.CutPrefix(strings.TrimLeft(next, " "), "* ")
	text = strings.TrimSpace(text)
	if !ok || text == "" || text[0] == '@' || text[0] == '-' || !strings.HasPrefix(strings.TrimLeft(left, " "), "* ") {
		return "", false
	}
	return left + " " + text, true
}

// paramIndent keeps the text of a Doxygen parameter in its column, and what goes on with it.
func paramIndent(text string) string {
	rest, ok := strings.CutPrefix(text, "* @param ")
	if !ok {
		if strings.HasPrefix(text, "* @return ") {
			return strings.Repeat(" ", len("@return "))
		}
		text = text[len("* "):]
		return text[:len(text)-len(strings.TrimLeft(text, " "))]
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

// breakStatement breaks a line at its arguments, or after its assignment where that
// takes no more lines.
func breakStatement(line string) []string {
	out := breakArguments(line)
	at := assignment(line)
	if at < 0 {
		return out
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	after := append([]string{line[:at]}, breakArguments(indent+continued+line[at+1:])...)
	for _, l := range after {
		if len(l) > lineWidth {
			return out
		}
	}
	if len(after) <= len(out) {
		return after
	}
	return out
}

// continued is the indentation of what continues a line.
const continued = "    "

// assignment returns the end of the assignment operator outside parentheses, or -1.
func assignment(line string) int {
	at := strings.Index(line, "= ")
	if at < 0 || strings.ContainsAny(line[:at], "(\"") {
		return -1
	}
	return at + 1
}

// breakArguments breaks the outermost list that has commas after the last one that
// fits; later lines are aligned with the first argument. Where no comma fits, it
// breaks the first argument at its comparison, or else the list after its parenthesis.
func breakArguments(line string) []string {
	var out []string
	indent, depth := "", 0 // of the list: known once it has been broken
	for len(line) > lineWidth {
		at, open, level := lastComma(line[:lineWidth], depth)
		if at < 0 && depth == 0 {
			open = strings.IndexByte(line, '(')
			if open < 0 || open >= lineWidth {
				break
			}
			depth = 1
			if at = strings.LastIndex(line[:lineWidth], " <= "); at > open {
				indent = strings.Repeat(" ", open+1)
				out = append(out, line[:at+len(" <=")])
				line = indent + continued + line[at+len(" <= "):]
				// What follows an argument that is broken has a line of its own.
				if comma := strings.IndexByte(line, ','); comma >= 0 {
					out = append(out, line[:comma+1])
					line = indent + strings.TrimLeft(line[comma+1:], " ")
				}
				continue
			}
			indent = line[:len(line)-len(strings.TrimLeft(line, " "))] + continued
			out = append(out, line[:open+1])
			line = indent + line[open+1:]
			continue
		}
		if at < 0 {
			break
		}
		if depth == 0 {
			indent, depth = strings.Repeat(" ", open+1), level
		}
		out = append(out, line[:at+1])
		line = indent + strings.TrimLeft(line[at+1:], " ")
	}
	return append(out, line)
}

// lastComma finds the last comma of the outermost list that has one, outside
// strings, with the list's opening parenthesis and its depth. When s continues a
// list, within is the depth of that list, and only its commas count.
func lastComma(s string, within int) (at, open, depth int) {
	at, quoted := -1, false
	stack := make([]int, within)
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case quoted:
		case s[i] == '(':
			stack = append(stack, i)
		case s[i] == ')':
			if len(stack) == 0 {
				return at, open, depth
			}
			stack = stack[:len(stack)-1]
		case s[i] == ',' && len(stack) > 0:
			level := len(stack)
			if within > 0 && level != within || at >= 0 && level > depth {
				continue
			}
			at, open, depth = i, stack[level-1], level
		}
	}
	return at, open, depth
}
