package cardano

import (
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/fxamacker/cbor/v2"
)

// Value is what an output holds.
type Value struct {
	Lovelace uint64
	Assets   map[string]uint64 // by their canonical name; may be nil
}

// Units returns the names of the assets, in the order of their bytes.
func (v Value) Units() []string { return slices.Sorted(maps.Keys(v.Assets)) }

// Add returns the sum, and false when it is more than an output can hold of one asset, or
// than there can be of ADA.
func (v Value) Add(o Value) (Value, bool) {
	if v.Lovelace > math.MaxInt64-min(o.Lovelace, math.MaxInt64) {
		return v, false
	}
	sum := Value{Lovelace: v.Lovelace + o.Lovelace, Assets: maps.Clone(v.Assets)}
	for unit, n := range o.Assets {
		if sum.Assets == nil {
			sum.Assets = map[string]uint64{}
		}
		if n > math.MaxUint64-sum.Assets[unit] {
			return v, false
		}
		sum.Assets[unit] += n
	}
	return sum, true
}

// Sub returns what is left, and false when there is less than that. Assets of which nothing
// is left are gone.
func (v Value) Sub(o Value) (Value, bool) {
	if v.Lovelace < o.Lovelace {
		return v, false
	}
	rest := Value{Lovelace: v.Lovelace - o.Lovelace, Assets: maps.Clone(v.Assets)}
	for unit, n := range o.Assets {
		if rest.Assets[unit] < n {
			return v, false
		}
		if rest.Assets[unit] -= n; rest.Assets[unit] == 0 {
			delete(rest.Assets, unit)
		}
	}
	return rest, true
}

// Fits reports whether one output may hold the value. The network bounds its bytes; and the
// form in which a node keeps it has room for so many assets, whose names may be short.
func (v Value) Fits(maxBytes int) (bool, error) {
	policies := map[string]bool{}
	for unit := range v.Assets {
		policies[unit[:min(len(unit), 2*keyHashSize)]] = true
	}
	raw, err := v.MarshalCBOR()
	return len(raw) <= maxBytes && 44*len(v.Assets)+keyHashSize*len(policies) <= math.MaxUint16, err
}

// The ledger's forms allow more than the library does by default: metadata may be deep, and
// its text may be anything. What has one key twice is refused, as the ledger does.
var (
	decoding = must(cbor.DecOptions{MaxNestedLevels: math.MaxUint16, UTF8: cbor.UTF8DecodeInvalid, DupMapKey: cbor.DupMapKeyEnforcedAPF}.DecMode())
	encoding = must(cbor.EncOptions{Sort: cbor.SortLengthFirst}.EncMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of constant options
	}
	return v
}

type bundle map[cbor.ByteString]map[cbor.ByteString]uint64

// UnmarshalCBOR reads either form of a value.
func (v *Value) UnmarshalCBOR(raw []byte) error {
	if len(raw) > 0 && raw[0]>>5 != 4 {
		return decoding.Unmarshal(raw, &v.Lovelace)
	}
	var pair struct {
		_        struct{} `cbor:",toarray"`
		Lovelace uint64
		Assets   bundle
	}
	if err := decoding.Unmarshal(raw, &pair); err != nil {
		return err
	}
	v.Lovelace, v.Assets = pair.Lovelace, map[string]uint64{}
	for policy, names := range pair.Assets {
		for name, n := range names {
			if len(policy) != keyHashSize || len(name) > 32 {
				return errors.New("an asset's name is too long, or its policy's")
			}
			v.Assets[hex.EncodeToString([]byte(policy+name))] = n
		}
	}
	return nil
}

// MarshalCBOR writes a value in the shortest form.
func (v Value) MarshalCBOR() ([]byte, error) {
	if len(v.Assets) == 0 {
		return encoding.Marshal(v.Lovelace)
	}
	assets := bundle{}
	for unit, n := range v.Assets {
		raw, err := hex.DecodeString(unit)
		if err != nil || len(raw) < keyHashSize {
			return nil, errors.New("an asset has no policy")
		}
		policy := cbor.ByteString(raw[:keyHashSize])
		if assets[policy] == nil {
			assets[policy] = map[cbor.ByteString]uint64{}
		}
		assets[policy][cbor.ByteString(raw[keyHashSize:])] = n
	}
	return encoding.Marshal([]any{v.Lovelace, assets})
}
