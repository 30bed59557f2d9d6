package fakekinesis

import (
	"crypto/md5"
	"encoding/binary"
	"math/big"
	"math/bits"
)

// A hashKey is a point of the space that the shards of a stream divide: a 128-bit
// number. A record's is the MD5 of its partition key.
type hashKey struct{ hi, lo uint64 }

var maxHashKey = hashKey{1<<64 - 1, 1<<64 - 1}

func hashOf(partitionKey []byte) hashKey {
	sum := md5.Sum(partitionKey)
	return hashKey{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// parseHashKey reads decimal digits; it is false for anything else and beyond 2^128-1.
func parseHashKey(digits []byte) (k hashKey, ok bool) {
	for _, d := range digits {
		if d < '0' || d > '9' {
			return k, false
		}
		over, hi := bits.Mul64(k.hi, 10)
		carry, lo := bits.Mul64(k.lo, 10)
		lo, c := bits.Add64(lo, uint64(d-'0'), 0)
		hi, c = bits.Add64(hi, carry, c)
		if over != 0 || c != 0 {
			return k, false
		}
		k = hashKey{hi, lo}
	}
	return k, len(digits) > 0
}

func (k hashKey) String() string {
	n := new(big.Int).SetUint64(k.hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(k.lo)).String()
}

func (k hashKey) less(other hashKey) bool {
	return k.hi < other.hi || k.hi == other.hi && k.lo < other.lo
}

func (k hashKey) next() hashKey {
	lo, carry := bits.Add64(k.lo, 1, 0)
	return hashKey{k.hi + carry, lo}
}

func (k hashKey) previous() hashKey {
	lo, borrow := bits.Sub64(k.lo, 1, 0)
	return hashKey{k.hi - borrow, lo}
}

// evenStarts divides the space into n ranges as CreateStream and UNIFORM_SCALING do,
// and returns where each starts.
func evenStarts(n int) []hashKey {
	width := new(big.Int).Lsh(big.NewInt(1), 128)
	width.Div(width, big.NewInt(int64(n)))
	starts := make([]hashKey, n)
	for i := range starts {
		at := new(big.Int).Mul(width, big.NewInt(int64(i)))
		starts[i].lo = new(big.Int).And(at, new(big.Int).SetUint64(1<<64-1)).Uint64()
		starts[i].hi = at.Rsh(at, 64).Uint64()
	}
	return starts
}
