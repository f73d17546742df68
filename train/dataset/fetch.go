// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// mirrors are folders on the web that hold the four gzip-wrapped MNIST files.
var mirrors = []string{
	"https://storage.googleapis.com/cvdf-datasets/mnist/",
	"https://ossci-datasets.s3.amazonaws.com/mnist/",
}

// mnistFiles are the files with the SHA-256 of their uncompressed content, which
// does not depend on who compressed them.
var mnistFiles = []struct{ name, sum string }{
	{"train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
	{"train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
	{"t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
	{"t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}

// maxDownload bounds one compressed file; the largest has 10 MB.
const maxDownload = 32 << 20

// fetchTimeout bounds one file.
const fetchTimeout = 5 * time.Minute

// FetchMNIST opens MNIST from a cache folder and downloads into it what is missing,
// from the first mirror that has it. A file is kept only if its content has the
// known SHA-256. With cache "" the folder is unroll/mnist in the user's cache. report,
// which may be nil, gets a line for each download.
func FetchMNIST(ctx context.Context, cache string, report func(string)) (train, test *Set, err error) {
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, nil, fmt.Errorf("no folder to keep MNIST in: %w; give a folder with the four files instead", err)
		}
		cache = filepath.Join(base, "unroll", "mnist")
	}
	if report == nil {
		report = func(string) {}
	}
	for _, f := range mnistFiles {
		if err := fetch(ctx, cache, f.name, f.sum, report); err != nil {
			return nil, nil, err
		}
	}
	return OpenMNIST(cache)
}

// fetch makes sure that one file is in the cache.
func fetch(ctx context.Context, cache, name, sum string, report func(string)) error {
	for _, ext := range []string{"", ".gz"} { // what OpenMNIST would take first
		raw, err := os.ReadFile(filepath.Join(cache, name+ext))
		if err != nil {
			continue
		}
		if err := checkSum(raw, sum); err != nil {
			return fmt.Errorf("%s: %w; delete the file to download it again", filepath.Join(cache, name+ext), err)
		}
		return nil
	}
	var failures []error
	for _, m := range mirrors {
		url := m + name + ".gz"
		report("downloading " + url)
		raw, err := download(ctx, url)
		if err == nil {
			err = checkSum(raw, sum)
		}
		if err == nil {
			return keep(cache, name+".gz", raw)
		}
		failures = append(failures, fmt.Errorf("%s: %w", url, err))
	}
	return fmt.Errorf("MNIST is not in %s and could not be downloaded: put the four .gz files there or give their folder as the data set:\n%w", cache, errors.Join(failures...))
}

func download(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s", response.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxDownload+1))
	if err == nil && len(raw) > maxDownload {
		err = fmt.Errorf("more than %d bytes", maxDownload)
	}
	return raw, err
}

// checkSum compares the uncompressed content with its known hash.
func checkSum(raw []byte, want string) error {
	h := sha256.New()
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		if _, err := io.Copy(h, io.LimitReader(z, maxIDX)); err != nil {
			return err
		}
	} else {
		h.Write(raw)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("SHA-256 of the content is %s, expected %s", got, want)
	}
	return nil
}

// keep puts a file into the cache in one step, so that no half of it is ever seen.
func keep(dir, name string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	sweep(dir, name)
	f, err := os.CreateTemp(dir, name+".*.part")
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// abandoned is how old a part of a file is that nobody writes any more: writing one takes seconds.
const abandoned = time.Hour

// sweep removes what runs that were ended left of earlier attempts at a file of the cache. It is a
// courtesy: what cannot be removed stays.
func sweep(dir, name string) {
	left, err := filepath.Glob(filepath.Join(dir, name+".*.part"))
	if err != nil {
		return
	}
	for _, file := range left {
		if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(file)
		}
	}
}
