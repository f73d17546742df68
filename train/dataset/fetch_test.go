// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

func TestFetch(t *testing.T) {
	content := idx(0x801, 4, 4)
	sum := sha256.Sum256(content)
	known := hex.EncodeToString(sum[:])
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/good/file.gz":
			w.Write(zip(content))
		case "/changed/file.gz":
			w.Write(zip(append(content, 1)))
		case "/dropped/file.gz": // the connection ends inside the body
			w.Header().Set("Content-Length", "1000000")
			w.Write(zip(content))
		case "/short/file.gz": // a complete answer, but not a complete file
			w.Write(zip(content)[:len(zip(content))-9])
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	defer func(m []string) { mirrors = m }(mirrors)
	get := func(cache string) error { return fetch(context.Background(), cache, "file", known, func(string) {}) }

	// The first mirror has nothing, the second something else, the third the file.
	mirrors = []string{server.URL + "/none/", server.URL + "/changed/", server.URL + "/good/"}
	cache := filepath.Join(t.TempDir(), "new", "folder")
	if err := get(cache); err != nil {
		t.Fatal(err)
	}
	if asked != 3 {
		t.Errorf("%d requests, expected one to each of three mirrors", asked)
	}
	if err := get(cache); err != nil || asked != 3 {
		t.Errorf("a file in the cache was asked for again, or failed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(cache, "file.gz"), []byte("spoiled"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := get(cache); err == nil || !strings.Contains(err.Error(), "delete the file") {
		t.Errorf("a spoiled file in the cache: error %v", err)
	}

	mirrors = []string{server.URL + "/none/", server.URL + "/changed/", server.URL + "/dropped/", server.URL + "/short/"}
	empty := t.TempDir()
	err := get(empty)
	for _, want := range []string{"could not be downloaded", "put the four .gz files there", empty, "/none/file.gz: the server answers 404",
		"/changed/file.gz: SHA-256 of the content is", "/dropped/file.gz: unexpected EOF", "/short/file.gz: unexpected EOF"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	server.Close() // offline
	if err := get(empty); err == nil || !strings.Contains(err.Error(), "could not be downloaded") {
		t.Errorf("offline: error %v", err)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("failed downloads left %v", left)
	}
}

// The four real files come from the second mirror, are opened, and then serve
// without a network.
func TestFetchMNIST(t *testing.T) {
	dir := testdata.Shared(t, "data/mnist")
	files := http.FileServer(http.Dir(dir))
	asked := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path]++
		http.StripPrefix("/good", files).ServeHTTP(w, r)
	}))
	defer server.Close()
	defer func(m []string) { mirrors = m }(mirrors)
	mirrors = []string{server.URL + "/none/", server.URL + "/good/"}
	cache := t.TempDir()
	var said []string
	say := func(s string) { said = append(said, s) }
	for range 2 { // the second time offline
		train, test, err := FetchMNIST(context.Background(), cache, say)
		if err != nil {
			t.Fatal(err)
		}
		if train.Len() != 60000 || test.Len() != 10000 {
			t.Errorf("%d and %d images, expected 60000 and 10000", train.Len(), test.Len())
		}
		server.Close()
	}
	if len(asked) != 8 || len(said) != 8 || !strings.HasPrefix(said[0], "downloading "+mirrors[0]) {
		t.Errorf("asked for %v, said %q: expected each of four files once at both mirrors", asked, said)
	}
	_, _, err := FetchMNIST(context.Background(), filepath.Join(cache, "other"), nil)
	if err == nil || !strings.Contains(err.Error(), "put the four .gz files there or give their folder") {
		t.Errorf("offline without a cache: error %v", err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := FetchMNIST(stopped, filepath.Join(cache, "other"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
