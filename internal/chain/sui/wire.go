package sui

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/pepay/pepay/internal/chain/node"
)

// Message is a protobuf message: the fields that were read, by number. What a field means
// is in the published definitions of sui.rpc.v2; those used are named where they are used.
type Message map[protowire.Number][]value

type value struct {
	n uint64
	b []byte
}

// maxFields is how many fields a message may have: a checkpoint has one for each of its
// transactions, of which the network allows 10,000, and a transaction one for each balance
// that it changed, which is a few thousand at most. A field of two bytes becomes many more.
const maxFields = 1 << 15

// ParseMessage reads the fields of a message. It fails when there are more than a node has
// reason to send.
func ParseMessage(b []byte) (Message, error) {
	m := Message{}
	for count := 0; len(b) > 0; count++ {
		if count == maxFields {
			return nil, fmt.Errorf("decode a message: more than %d fields", maxFields)
		}
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, fmt.Errorf("decode a message: %w", protowire.ParseError(n))
		}
		b = b[n:]
		var v value
		if kind == protowire.VarintType {
			v.n, n = protowire.ConsumeVarint(b)
		} else if kind == protowire.BytesType {
			v.b, n = protowire.ConsumeBytes(b)
		} else { // fields of other kinds are none of ours
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return nil, fmt.Errorf("decode a message: %w", protowire.ParseError(n))
		}
		b, m[num] = b[n:], append(m[num], v)
	}
	return m, nil
}

func (m Message) last(num protowire.Number) (v value) {
	if vs := m[num]; len(vs) > 0 {
		v = vs[len(vs)-1]
	}
	return v
}

// Has reports whether the field is there.
func (m Message) Has(num protowire.Number) bool { return len(m[num]) > 0 }

// Uint returns a number, 0 if it is not there.
func (m Message) Uint(num protowire.Number) uint64 { return m.last(num).n }

// Bytes returns bytes, nil if they are not there.
func (m Message) Bytes(num protowire.Number) []byte { return m.last(num).b }

// Text returns a text, "" if it is not there.
func (m Message) Text(num protowire.Number) string { return string(m.last(num).b) }

// Texts returns every occurrence of a field that is a text.
func (m Message) Texts(num protowire.Number) (all []string) {
	for _, v := range m[num] {
		all = append(all, string(v.b))
	}
	return all
}

// Each calls f with every occurrence of a field that is a message.
func (m Message) Each(num protowire.Number, f func(Message) error) error {
	for _, v := range m[num] {
		sub, err := ParseMessage(v.b)
		if err == nil {
			err = f(sub)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// At returns the message inside a message inside …, which has no fields if it is not there.
func (m Message) At(path ...protowire.Number) (Message, error) {
	for _, num := range path {
		sub, err := ParseMessage(m.last(num).b)
		if err != nil {
			return nil, err
		}
		m = sub
	}
	return m, nil
}

// Fields makes a message, field by field.
type Fields []byte

// Uint adds a number.
func (f Fields) Uint(num protowire.Number, n uint64) Fields {
	return protowire.AppendVarint(protowire.AppendTag(f, num, protowire.VarintType), n)
}

// Bytes adds bytes, or a message.
func (f Fields) Bytes(num protowire.Number, b []byte) Fields {
	return protowire.AppendBytes(protowire.AppendTag(f, num, protowire.BytesType), b)
}

// Text adds a text.
func (f Fields) Text(num protowire.Number, s string) Fields { return f.Bytes(num, []byte(s)) }

// Mask adds the names of the fields that an answer is to have.
func (f Fields) Mask(num protowire.Number, paths ...string) Fields {
	var mask Fields
	for _, p := range paths {
		mask = mask.Text(1, p)
	}
	return f.Bytes(num, mask)
}

// The codes of gRPC that are told apart here.
const (
	CodeInvalid       = 3
	CodeNotFound      = 5
	CodePrecondition  = 9
	CodeUnimplemented = 12
)

// Refusal is a node's answer that it will not.
type Refusal struct {
	Code    int // of gRPC
	Message string
}

func (r Refusal) Error() string { return fmt.Sprintf("refused: %d %q", r.Code, r.Message) }

// Frame wraps a message the way gRPC sends it over HTTP/2: uncompressed, with its length.
func Frame(m []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...) //nolint:gosec // far below 4 GiB
}

// Unframe returns the one message that a body holds.
func Unframe(body []byte) ([]byte, error) {
	switch {
	case len(body) < 5 || uint64(binary.BigEndian.Uint32(body[1:])) != uint64(len(body)-5):
		return nil, errors.New("the body is not one message of gRPC")
	case body[0] != 0:
		return nil, errors.New("the answer is compressed, which was not asked for")
	}
	return body[5:], nil
}

// answer reads the answer to a call. Its status comes after the body, or in place of it.
func answer(res *http.Response) (Message, error) {
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		return nil, node.Status{Code: res.StatusCode, Message: node.Short(string(body))}
	}
	if err != nil {
		return nil, node.Clean(err)
	}
	status := res.Trailer
	if status.Get("Grpc-Status") == "" {
		status = res.Header
	}
	code, err := strconv.Atoi(status.Get("Grpc-Status"))
	if err != nil {
		return nil, errors.New("the answer has no status of gRPC")
	}
	if code != 0 {
		text, err := url.PathUnescape(status.Get("Grpc-Message"))
		if err != nil {
			text = status.Get("Grpc-Message")
		}
		return nil, Refusal{code, node.Short(text)}
	}
	b, err := Unframe(body)
	if err != nil {
		return nil, err
	}
	return ParseMessage(b)
}
