// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	pkzip "archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// tableEnds are the ends of names of tables.
var tableEnds = []string{".csv", ".tsv", ".txt", ".dat", ".data"}

// unpacked returns the name of the table that a packed file holds: without .gz, or with .csv for
// the .zip that pandas writes. Others keep their names.
func unpacked(file string) string {
	base := strings.TrimSuffix(file, filepath.Ext(file))
	switch strings.ToLower(filepath.Ext(file)) {
	case ".gz":
		if slices.Contains(tableEnds, strings.ToLower(filepath.Ext(base))) {
			return base
		}
	case ".zip":
		return base + ".csv"
	}
	return file
}

// unpack reads the table of a packed file of size bytes.
func unpack(file string, f io.ReaderAt, size int64) (io.Reader, error) {
	if strings.EqualFold(filepath.Ext(file), ".gz") {
		z, err := gzip.NewReader(io.NewSectionReader(f, 0, size))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return allOf(file, z)
	}
	z, err := pkzip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var names []string
	var table *pkzip.File
	for _, e := range z.File {
		if strings.HasSuffix(e.Name, "/") || strings.HasPrefix(e.Name, "__MACOSX/") {
			continue
		}
		names, table = append(names, e.Name), e
	}
	if len(names) != 1 || !slices.Contains(tableEnds, strings.ToLower(filepath.Ext(names[0]))) {
		return nil, fmt.Errorf("%s: holds %s, expected one .csv file: unpack it, and give the file or the folder", file, shown(names))
	}
	r, err := table.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer r.Close()
	return allOf(file, r)
}

// allOf reads what is packed, up to what tables may have.
func allOf(file string, r io.Reader) (io.Reader, error) {
	raw, err := budget.ReadAll(file, io.LimitReader(r, maxCSV+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if int64(len(raw)) > maxCSV {
		return nil, fmt.Errorf("%s: more than %.0f GB unpacked, which are read into memory: keep fewer rows, or make x.npy and y.npy of it", file, float64(maxCSV)/1e9)
	}
	if err := budget.Ask(file, tableBytes(bytes.NewReader(raw), int64(len(raw)))); err != nil {
		return nil, err
	}
	return bytes.NewReader(raw), nil
}

// otherTables are the readers of pandas for files that are not read, by the ends of their names.
var otherTables = map[string]string{
	".parquet": "read_parquet(%s)",
	".arrow":   "read_feather(%s)",
	".feather": "read_feather(%s)",
	".xlsx":    "read_excel(%s)",
	".xls":     "read_excel(%s)",
	".json":    "read_json(%s)",
	".jsonl":   "read_json(%s, lines=True)",
	".pkl":     "read_pickle(%s)",
}

// otherArrays are lines of Python that write what is read.
var otherArrays = map[string]struct{ code, with string }{
	".mat":  {"numpy, scipy.io; m = scipy.io.loadmat(sys.argv[1]); numpy.savez(sys.argv[2], x=m['x'], y=m['y'].ravel())", "arrays"},
	".h5":   {"numpy, h5py; m = h5py.File(sys.argv[1]); numpy.savez(sys.argv[2], x=m['x'][:], y=m['y'][:])", "arrays"},
	".hdf5": {"numpy, h5py; m = h5py.File(sys.argv[1]); numpy.savez(sys.argv[2], x=m['x'][:], y=m['y'][:])", "arrays"},
	".pt":   {"numpy, torch; m = torch.load(sys.argv[1]); numpy.savez(sys.argv[2], x=m['x'], y=m['y'])", "tensors"},
}

// headOf returns the first bytes of a file.
func headOf(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	return head, err
}

// seriesTable makes a table of a .ts file: a line for every sequence, its channels and its label apart by
// colons, the steps of a channel by commas.
const seriesTable = "csv; s = [l.strip().split(':') for l in open(sys.argv[1]) if l.strip() and l.strip()[0] not in '@#']; csv.writer(open(sys.argv[2], 'w', newline='')).writerows([['sequence', 'label'] + ['d%d' % k for k in range(len(s[0]) - 1)]] + [[i, r[-1], *v] for i, r in enumerate(s) for v in zip(*[d.split(',') for d in r[:-1]])])"

// unknownKind refuses a file that is no kind of data that is read.
func unknownKind(path string) error {
	ext := strings.ToLower(filepath.Ext(path))
	if read, known := otherTables[ext]; known {
		if head, err := headOf(path); err == nil && ext == ".json" {
			read = jsonReader(head)
		}
		return fmt.Errorf("%s: %s files are not read; Python writes what is: %s", path, ext[1:], converted(path, read))
	}
	if how, known := otherArrays[ext]; known {
		return fmt.Errorf("%s: %s files are not read; Python writes what is, with the names of its %s: %s", path, ext[1:], how.with, python(how.code, pathArg(path), pathArg(free(path, "arrays", ".npz"))))
	}
	if head, err := headOf(path); err == nil && ext == ".ts" && bytes.Contains(bytes.ToLower(head), []byte("@data")) {
		return fmt.Errorf("%s: .ts files of time series are not read; Python writes what is: %s", path, python(seriesTable, pathArg(path), pathArg(free(path, "table", ".csv"))))
	}
	return fmt.Errorf("%s: unknown kind of data: expected a folder with IDX files, x.npy and y.npy, WAV files or tables, an .npz or a .csv file", path)
}
