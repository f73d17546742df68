// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// What refusals say to do is run as it stands: lines for a POSIX shell, with paths from where this
// program runs, that write to files which are not there yet.

// plainWord are the characters that no shell reads anything into.
const plainWord = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%"

// word returns an argument as a shell takes it.
func word(arg string) string {
	if arg != "" && strings.Trim(arg, plainWord) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// fileWord is word for a file.
func fileWord(file string) string { return word(pathArg(file)) }

// python is a line of Python in which names are arguments, sys.argv[1] and so on: the code stands
// between quotation marks of the shell, and has no names in it that would end them.
func python(code string, args ...string) string {
	line := `python3 -c "import sys, ` + code + `"`
	for _, a := range args {
		line += " " + word(a)
	}
	return line
}

// pathArg is a file as an argument: no option, whatever it is called.
func pathArg(file string) string {
	if file = filepath.ToSlash(file); strings.HasPrefix(file, "-") {
		return "./" + file
	}
	return file
}

// free returns the name of a file beside another one that is not there yet: with another end and, if
// that is taken, with more in front of it.
func free(file, more, end string) string {
	table := unpacked(file)
	base := strings.TrimSuffix(table, filepath.Ext(table))
	name := base + end
	for name == file || name == table || exists(name) {
		base += "_" + more
		name = base + end
	}
	return filepath.ToSlash(name)
}

// converted is the line that makes a table of a file with a reader of pandas.
func converted(file, read string) string {
	return python(fmt.Sprintf("pandas; pandas.%s.to_csv(sys.argv[2], index=False)", fmt.Sprintf(read, "sys.argv[1]")), pathArg(file), pathArg(free(file, "table", ".csv")))
}

// jsonReader reads JSON as pandas does: one value, or one a line.
func jsonReader(head []byte) string {
	line, rest, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	if bytes.HasSuffix(bytes.TrimSpace(line), []byte("}")) && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("{")) {
		return "read_json(%s, lines=True)"
	}
	return "read_json(%s)"
}

// filtered is the line that sends a file through a filter.
func filtered(filter, file string) string {
	to := fileWord(free(file, "clean", ".csv"))
	if unpacked(file) == file {
		return fmt.Sprintf("%s < %s > %s", filter, fileWord(file), to)
	}
	if strings.EqualFold(filepath.Ext(file), ".gz") {
		return fmt.Sprintf("gzip -dc < %s | %s > %s", fileWord(file), filter, to)
	}
	return fmt.Sprintf("unzip -p %s | %s > %s", fileWord(file), filter, to)
}

// asText are the arguments with which pandas reads the cells of a table as they stand.
func (d dialect) asText(above int) string {
	skip := ""
	if above > 0 {
		skip = fmt.Sprintf(", skiprows=%d", above)
	}
	return fmt.Sprintf("%s, dtype=str, keep_default_na=False%s", d.sep(), skip)
}

// sep is the separator as an argument of pandas.
func (d dialect) sep() string {
	switch d.separator {
	case '\t':
		return `sep='\t'`
	case byBlanks:
		return `sep=r'\s+'`
	}
	return fmt.Sprintf("sep='%c'", d.separator)
}

// write is the separator with which pandas writes a table of the same form.
func (d dialect) write() string {
	if d.separator == byBlanks {
		return "sep=' '"
	}
	return d.sep()
}

// named is the line that writes numbers as names of columns in front of a table without any.
func (t *table) named() string {
	return python(fmt.Sprintf("pandas; pandas.read_csv(sys.argv[1], %s, header=None).to_csv(sys.argv[2], index=False, %s)", t.asText(t.above), t.write()), pathArg(t.file), pathArg(free(t.file, "named", ".csv")))
}

// sorted is the line that puts the rows of every sequence together, in the order of the first ones.
func (t *table) sorted() string {
	args := []string{pathArg(t.file), pathArg(free(t.file, "sorted", ".csv"))}
	for _, c := range t.sequence {
		args = append(args, t.header[c])
	}
	return python(fmt.Sprintf("pandas; t = pandas.read_csv(sys.argv[1], %s); t.iloc[t.groupby(sys.argv[3:], sort=False).ngroup().argsort(kind='stable')].to_csv(sys.argv[2], index=False, %s)", t.asText(t.above), t.write()), args...)
}

// joinedTables is the line that makes one table of those in a folder, each with a column of its own
// name without the end and, where they have sequences, with that name in front of theirs.
func joinedTables(dir, end string, d dialect, columns string, args ...string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		abs = dir
	}
	out := filepath.Join(dir, "..", filepath.Base(abs)+end)
	return python(fmt.Sprintf("os, pandas; d = sys.argv[1]; pandas.concat(pandas.read_csv(os.path.join(d, f), %s).assign(**%s) for f in sorted(os.listdir(d)) if f.endswith('%s')).to_csv(sys.argv[2], index=False, %s)", d.asText(0), columns, end, d.write()),
		append([]string{pathArg(dir), pathArg(free(out, "all", end))}, args...)...)
}

// oneColumn is the line that makes one column of labels of a column for every class.
func oneColumn(file string, d dialect, columns []string) string {
	return python(fmt.Sprintf("pandas; pandas.read_csv(sys.argv[1], %s)[sys.argv[3:]].idxmax(axis=1).to_csv(sys.argv[2], index=False)", d.sep()), append([]string{pathArg(file), pathArg(free(file, "names", "_names.csv"))}, columns...)...)
}
