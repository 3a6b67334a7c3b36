package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var files embed.FS

// asset is a file ready to send, both plain and compressed.
type asset struct {
	kind        string
	plain, gzip []byte
}

// base carries the hash of all assets together, so that they change as one and the
// modules may import each other by their plain names.
var assets, base = load()

func load() (map[string]asset, string) {
	all, sum := map[string]asset{}, sha256.New()
	entries, err := fs.ReadDir(files, "assets")
	if err != nil {
		panic(err) // the folder is embedded
	}
	for _, e := range entries {
		body, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		var z bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		_, _ = zw.Write(body) // a buffer takes everything
		_ = zw.Close()
		all[e.Name()] = asset{mime.TypeByExtension(path.Ext(e.Name())), body, z.Bytes()}
		sum.Write([]byte(e.Name()))
		sum.Write(body)
	}
	return all, "/pay/assets/" + hex.EncodeToString(sum.Sum(nil))[:16]
}

// Assets serves the page's files under /pay/assets/. Their addresses carry a hash of
// their content, so they are cached for ever; the address of another build is a 404.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dir, name := path.Split(r.URL.Path)
		a, ok := assets[name]
		if !ok || dir != base+"/" {
			http.NotFound(w, r)
			return
		}
		body, h := a.plain, w.Header()
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body = a.gzip
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Vary", "Accept-Encoding")
		h.Set("Content-Type", a.kind)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(body) // the reader may leave
	})
}
