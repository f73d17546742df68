// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	pkzip "archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// tableEnds are the ends of names of tables.
var tableEnds = []string{".csv", ".tsv", ".txt"}

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

// otherKinds says of files that are not read what writes one that is; %s is the file, and its
// name without the end.
var otherKinds = map[string]string{
	".parquet": "python3 -c \"import pandas; pandas.read_parquet('%s').to_csv('%s.csv', index=False)\"",
	".arrow":   "python3 -c \"import pandas; pandas.read_feather('%s').to_csv('%s.csv', index=False)\"",
	".feather": "python3 -c \"import pandas; pandas.read_feather('%s').to_csv('%s.csv', index=False)\"",
	".xlsx":    "python3 -c \"import pandas; pandas.read_excel('%s').to_csv('%s.csv', index=False)\"",
	".xls":     "python3 -c \"import pandas; pandas.read_excel('%s').to_csv('%s.csv', index=False)\"",
	".json":    "python3 -c \"import pandas; pandas.read_json('%s').to_csv('%s.csv', index=False)\"",
	".jsonl":   "python3 -c \"import pandas; pandas.read_json('%s', lines=True).to_csv('%s.csv', index=False)\"",
	".pkl":     "python3 -c \"import pandas; pandas.read_pickle('%s').to_csv('%s.csv', index=False)\"",
	".mat":     "python3 -c \"import numpy, scipy.io; m = scipy.io.loadmat('%s'); numpy.savez('%s.npz', x=m['x'], y=m['y'].ravel())\", with the names of its arrays",
	".h5":      "python3 -c \"import numpy, h5py; m = h5py.File('%s'); numpy.savez('%s.npz', x=m['x'][:], y=m['y'][:])\", with the names of its arrays",
	".hdf5":    "python3 -c \"import numpy, h5py; m = h5py.File('%s'); numpy.savez('%s.npz', x=m['x'][:], y=m['y'][:])\", with the names of its arrays",
	".pt":      "python3 -c \"import numpy, torch; m = torch.load('%s'); numpy.savez('%s.npz', x=m['x'], y=m['y'])\", with the names of its tensors",
}

// unknownKind refuses a file that is no kind of data that is read.
func unknownKind(path string) error {
	ext := strings.ToLower(filepath.Ext(path))
	if how, known := otherKinds[ext]; known {
		base := filepath.Base(path)
		return fmt.Errorf("%s: %s files are not read; Python writes what is: %s", path, ext[1:], fmt.Sprintf(how, base, strings.TrimSuffix(base, filepath.Ext(base))))
	}
	return fmt.Errorf("%s: unknown kind of data: expected a folder with IDX files, x.npy and y.npy, WAV files or tables, an .npz or a .csv file", path)
}
