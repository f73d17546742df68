package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
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

	mirrors = mirrors[:2]
	empty := t.TempDir()
	err := get(empty)
	for _, want := range []string{"could not be downloaded", "put the four .gz files there", "404", "SHA-256 of the content is", empty} {
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
