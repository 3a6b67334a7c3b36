package sui

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// Summary is what a checkpoint commits to, as far as it matters here.
type Summary struct {
	Epoch    uint64
	Height   uint64
	Total    uint64 // transactions since genesis, with those of this checkpoint
	Contents Digest
	Previous Digest // the zero digest for the first checkpoint
	Time     time.Time
}

// Bytes encodes a summary as one without gas, commitments and committee.
func (s Summary) Bytes() []byte {
	b := appendBytes(appendU64(appendU64(appendU64(nil, s.Epoch), s.Height), s.Total), s.Contents[:])
	if s.Previous == (Digest{}) {
		b = append(b, 0)
	} else {
		b = appendBytes(append(b, 1), s.Previous[:])
	}
	b = append(b, make([]byte, 4*8)...)                              // gas of the epoch
	return append(appendU64(b, uint64(s.Time.UnixMilli())), 0, 0, 0) //nolint:gosec // after 1970
}

// DecodeSummary reads a summary; of what comes after the time nothing is read, so that it
// may change.
func DecodeSummary(raw []byte) (s Summary, err error) {
	r := &reader{rest: raw}
	s.Epoch, s.Height, s.Total, s.Contents = r.u64(), r.u64(), r.u64(), r.digest()
	if r.some() {
		s.Previous = r.digest()
	}
	r.take(4 * 8)
	ms := r.u64()
	if ms > 1<<50 || s.Height > math.MaxInt64 {
		r.fail("a height or a time is out of range")
	}
	if s.Time = time.UnixMilli(int64(ms)).UTC(); r.err != nil { //nolint:gosec // checked
		return Summary{}, fmt.Errorf("decode a checkpoint: %w", r.err)
	}
	return s, nil
}

// SummaryDigest is the name of the checkpoint with this encoded summary.
func SummaryDigest(raw []byte) Digest { return hash("CheckpointSummary", raw) }

func (s Summary) block(d Digest) pay.Block {
	return pay.Block{Height: s.Height, Hash: d.String(), Time: s.Time.Truncate(time.Second)}
}

// ContentsBytes encodes the contents of a checkpoint that holds transactions, in order; what
// else there is to say of each, its effects and signatures, is left empty.
func ContentsBytes(txs []Digest) []byte {
	b := appendLen([]byte{0}, len(txs))
	for _, d := range txs {
		b = appendBytes(appendBytes(b, d[:]), d[:])
	}
	b = appendLen(b, len(txs))
	return append(b, make([]byte, len(txs))...)
}

// errForm is of contents of a form that was made after this program.
var errForm = errors.New("the contents of a checkpoint are of a form that is not known")

// DecodeContents returns the transactions of a checkpoint, in order. It fails when there are
// more of them than the network allows.
func DecodeContents(raw []byte) (txs []Digest, err error) {
	r := &reader{rest: raw}
	switch form := r.u8(); form {
	case 0: // all digests, then all signatures
		for range r.most(maxTxs) {
			txs = append(txs, r.digest())
			r.digest()
		}
	case 1: // each transaction's digests and signatures
		for range r.most(maxTxs) {
			txs = append(txs, r.digest())
			r.digest()
			for range r.count() {
				r.bytes()
				if r.some() {
					r.u64()
				}
			}
		}
	default:
		return nil, fmt.Errorf("%w: %d", errForm, form)
	}
	if r.err != nil {
		return nil, fmt.Errorf("decode the contents of a checkpoint: %w", r.err)
	}
	return txs, nil
}

// ContentsDigest is what a summary says of its contents.
func ContentsDigest(raw []byte) Digest { return hash("CheckpointContents", raw) }
