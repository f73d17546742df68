// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	coding "unicode/utf16"
)

// pathWithPandas is a PATH whose python3 has pandas, or "".
func pathWithPandas() string {
	for _, p := range []string{os.Getenv("PATH"), "/usr/bin:/bin"} {
		c := exec.Command("sh", "-c", "python3 -c 'import pandas, openpyxl, scipy.io, h5py'")
		if c.Env = append(os.Environ(), "PATH="+p); c.Run() == nil {
			return p
		}
	}
	return ""
}

func inUTF16(text string, mark string, big bool) string {
	b := []byte(mark)
	for _, u := range coding.Encode([]rune(text)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// What refusals print is run as it is printed, on the files that provoke it, under names that a shell
// reads something into: what comes out is a data set.
func TestRemedies(t *testing.T) {
	path := pathWithPandas()
	if path == "" {
		t.Log("SKIPPED the lines of Python: no python3 with pandas, openpyxl, scipy and h5py here (apt-get install python3-pandas python3-openpyxl python3-scipy python3-h5py)")
	}
	good := lines("sequence,a,label", 36, func(i int) string { return fmt.Sprintf("%d,%d.5,%s", i/3, i, class(i/3)) })
	apart := lines("sequence,a,label", 36, func(i int) string { return fmt.Sprintf("%d,%d.5,%s", i%12, i, class(i%12)) })
	each := func(head, end string, rows func(k int) string) map[string]string {
		files := map[string]string{}
		for k := range 12 {
			files[fmt.Sprintf("it's $x/%s %d%s", class(k), k, end)] = head + rows(k)
		}
		return files
	}
	write := func(code string) string { // by Python, into the file
		return `pandas, numpy; sequence = [i//3 for i in range(36)]; d = pandas.DataFrame({'sequence': sequence, 'a': numpy.arange(36)+.5, 'label': [['up','down'][i//3%2] for i in range(36)]}); x = numpy.random.rand(12,3,1); y = numpy.arange(12)%2; ` + code
	}
	for _, c := range []struct {
		name  string
		data  string // in the folder
		files map[string]string
		make  string // code of Python that writes the file
		o     Options
		moved string // what the new file is put in the place of, before the folder is opened
	}{
		{"rows of several sequences in turn", "it's $x.csv", map[string]string{"it's $x.csv": apart}, "", Options{}, ""},
		{"with semicolons below a line that says so", "-x.csv", map[string]string{"-x.csv": "sep=;\n" + strings.NewReplacer(",", ";", ".", ",").Replace(apart)}, "", Options{}, ""},
		{"with tabs, packed", "x.tsv", map[string]string{"x.tsv": strings.ReplaceAll(apart, ",", "\t")}, "", Options{}, ""},
		{"sequences of two columns", "x.csv", map[string]string{"x.csv": lines("who,trial,a,label", 36, func(i int) string { return fmt.Sprintf("p%d,%d,%d.5,%s", i%2, i%12/2, i, class(i%12)) })}, "", Options{SequenceColumn: "who,trial"}, ""},
		{"labels in tables of a folder", "it's $x", each("a,label\n", ".csv", func(k int) string { return fmt.Sprintf("1.5,%s\n2.5,%s\n", class(k), class(k)) }), "", Options{}, ""},
		{"with tabs", "it's $x", each("a\tlabel\n", ".tsv", func(k int) string { return fmt.Sprintf("1.5\t%s\n2.5\t%s\n", class(k), class(k)) }), "", Options{}, ""},
		{"sequences and labels in them", "it's $x", each("series_id;a;label\n", ".csv", func(k int) string { return fmt.Sprintf("1;1,5;%s\n2;2,5;%s\n", class(k), class(k)) }), "", Options{}, ""},
		{"a class a table", "it's $x", map[string]string{"it's $x/up.csv": lines("id,a", 18, func(i int) string { return fmt.Sprintf("%d,%d.5", i/3, i) }), "it's $x/down.csv": lines("id,a", 18, func(i int) string { return fmt.Sprintf("%d,%d.5", i/3, i) })}, "", Options{}, ""},
		{"a column for every class", "d", map[string]string{"d/X.csv": lines("a,b", 12, func(i int) string { return fmt.Sprintf("%d.5,%d.25", i, i) }), "d/y.csv": lines(",the first,second", 12, func(i int) string { return fmt.Sprintf("%d,%d,%d", i, i%2, 1-i%2) })}, "", Options{RowSequences: true}, "d/y.csv"},
		{"as many rows for each label", "d", map[string]string{"d/X.csv": lines("a,b", 36, func(i int) string { return fmt.Sprintf("%d.5,%d.25", i, i%7) }), "d/y.csv": lines("label", 12, class)}, "", Options{}, "d/X.csv"},
		{"the same without names", "d", map[string]string{"d/X.csv": lines("", 36, func(i int) string { return fmt.Sprintf("  %d.5 %d.25", i, i%7) }), "d/y.csv": lines("", 12, class)}, "", Options{}, "d/X.csv"},
		{"values in the first line", "it's $x.txt", map[string]string{"it's $x.txt": good[len("sequence,a,label\n"):]}, "", Options{SequenceColumn: "0", Label: "2"}, ""},
		{"values with spaces", "x.data", map[string]string{"x.data": strings.ReplaceAll(lines("", 24, func(i int) string { return fmt.Sprintf("%d.5,-%d,%d", i, i, 1+i%2) }), ",", "   ")}, "", Options{RowSequences: true, Label: "2"}, ""},
		{"series", "it's $x.ts", map[string]string{"it's $x.ts": lines("#of somebody\n@problemName x\n@classLabel true up down\n@data", 12, func(i int) string { return fmt.Sprintf("1.5,%d,?:2.5,%d,3:%s", i, i, class(i)) })}, "", Options{}, ""},
		{"comments in front", "x.csv", map[string]string{"x.csv": "# made by hand\n" + good}, "", Options{}, ""},
		{"comments in between", "x y.csv", map[string]string{"x y.csv": strings.Replace(good, "\n1,", "\n# paused\n1,", 1)}, "", Options{}, ""},
		{"old lines", "x.csv", map[string]string{"x.csv": strings.ReplaceAll(good, "\n", "\r")}, "", Options{}, ""},
		{"with spaces", "x.csv", map[string]string{"x.csv": strings.ReplaceAll(apart, ",", "  ")}, "", Options{}, ""},
		{"UTF-16", "x.csv", map[string]string{"x.csv": inUTF16(good, "\xff\xfe", false)}, "", Options{}, ""},
		{"UTF-16 without a mark", "x.csv", map[string]string{"x.csv": inUTF16(good, "", false)}, "", Options{}, ""},
		{"UTF-16 of another order", "x.csv", map[string]string{"x.csv": inUTF16(good, "", true)}, "", Options{}, ""},
		{"Excel", "it's $x.xlsx", nil, "d.to_excel(FILE, index=False)", Options{}, ""},
		{"JSON", "x.json", map[string]string{"x.csv": "taken"}, "d.to_json(FILE)", Options{}, ""},
		{"JSON of records", "x.json", nil, "d.to_json(FILE, orient='records')", Options{}, ""},
		{"JSON a line", "x.json", nil, "d.to_json(FILE, orient='records', lines=True)", Options{}, ""},
		{"JSON a line, named so", "x.jsonl", nil, "d.to_json(FILE, orient='records', lines=True)", Options{}, ""},
		{"JSON named as a table", "x.csv", nil, "d.to_json(FILE)", Options{}, ""},
		{"comments, packed", "x.csv.gz", nil, `import gzip; gzip.open(FILE, 'wb').write(b'# by hand\n' + d.to_csv(index=False).encode())`, Options{}, ""},
		{"records named as a table", "x.csv", nil, "d.to_json(FILE, orient='records')", Options{}, ""},
		{"a pickle", "x.pkl", nil, "d.to_pickle(FILE)", Options{}, ""},
		{"MATLAB", "x.mat", nil, "import scipy.io; scipy.io.savemat(FILE, {'x': x, 'y': y})", Options{}, ""},
		{"HDF5", "it's $x.h5", nil, "import h5py; f = h5py.File(FILE, 'w'); f['x'] = x; f['y'] = y; f.close()", Options{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(folderOf(t, c.files))
			run := func(line string) {
				t.Helper()
				cmd := exec.Command("sh", "-c", line)
				if path != "" {
					cmd.Env = append(os.Environ(), "PATH="+path)
				}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s\n%s", err, line, out)
				}
			}
			if c.make != "" {
				if path == "" {
					t.Skip("no python3 with pandas")
				}
				run(python(write(strings.ReplaceAll(c.make, "FILE", "sys.argv[1]")), c.data))
			}
			before, _ := filepath.Glob("*")
			inside, _ := filepath.Glob("d/*")
			_, _, err := Open(c.data, c.o)
			if err == nil {
				t.Fatal("is read")
			}
			line := regexp.MustCompile(`(python3 -c|iconv|tr|grep -v|gzip) ['"-].*$`).FindString(err.Error())
			if line == "" {
				t.Fatalf("no line in %v", err)
			}
			if strings.HasPrefix(line, "python3") && path == "" {
				t.Skip("no python3 with pandas")
			}
			run(line)
			after, _ := filepath.Glob("*")
			within, _ := filepath.Glob("d/*")
			made := ""
			for _, f := range append(after, within...) {
				if !strings.Contains("\x00"+strings.Join(append(before, inside...), "\x00")+"\x00", "\x00"+f+"\x00") {
					made = f
				}
			}
			if c.moved != "" {
				if err := os.Rename(made, c.moved); err != nil {
					t.Fatal(err)
				}
				made = c.data
			}
			train, test, err := Open(made, c.o)
			if err != nil {
				t.Fatalf("%s made %q: %v", line, made, err)
			}
			if n := train.Len() + test.Len(); n != 12 && n != 24 || train.Outputs != 2 {
				t.Errorf("%s: %d sequences of %d classes", line, n, train.Outputs)
			}
			if made == "x.csv" && c.files["x.csv"] != "" {
				t.Errorf("%s writes over the file", line)
			}
		})
	}
}
