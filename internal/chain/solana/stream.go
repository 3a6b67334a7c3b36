package solana

import (
	"encoding/json"
	"fmt"
	"io"
)

const (
	// maxAnswer is how many bytes an answer may have. Whoever pays for it can make a block of
	// more than 32 MiB of JSON: each account that a transaction names takes 130 bytes, and it
	// names 64 in as many bytes of its own.
	maxAnswer = 256 << 20
	// maxWhole is how many bytes are held of an answer that is decoded as a whole.
	maxWhole = 32 << 20
	// maxPiece is how many bytes are held of a block: those of a transaction with 256 accounts,
	// which is all that it can name, that all hold tokens.
	maxPiece = 512 << 10
)

// pieces ends with an error when more is asked of it than a piece that the decoder is not
// done with.
type pieces struct {
	io.Reader
	d          *json.Decoder
	most, read int64
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.read-p.d.InputOffset() > p.most {
		return 0, fmt.Errorf("a piece of it is larger than %d bytes", p.most)
	}
	n, err := p.Reader.Read(b)
	p.read += int64(n)
	return n, err
}

// decoder returns a decoder that holds no more than a piece of that many bytes, and what it
// reads ahead.
func decoder(r io.Reader, most int64) *json.Decoder {
	p := &pieces{Reader: r, most: most}
	p.d = json.NewDecoder(p)
	return p.d
}

// each reads an object or a list, which open begins: f reads the value of each field, or what
// is next in the list. A null is none.
func each(d *json.Decoder, open json.Delim, f func(field string) error) (some bool, err error) {
	t, err := d.Token()
	if err != nil || t == nil {
		return false, err
	}
	if t != open {
		return false, fmt.Errorf("%v where %v begins", t, open)
	}
	for err == nil && d.More() {
		field := ""
		if open == '{' {
			t, err = d.Token()
			field, _ = t.(string)
		}
		if err == nil {
			err = f(field)
		}
	}
	if err == nil {
		_, err = d.Token()
	}
	return err == nil, err
}
