package number_test

import (
	"testing"

	"example.com/evstream/internal/number"
)

func TestFormat(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0", 0.0000126: "1.3e-05", 0.005: "0.005", 0.3: "0.3", 1: "1", 12.5: "12.5", 999.999: "1,000",
		1000: "1,000", 1234567.891: "1,234,567.89", -1: "-1", -123: "-123", -1234.5: "-1,234.5", -0.5: "-0.5",
	} {
		if got := number.Format(n); got != want {
			t.Errorf("Format(%v) = %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 shards", 1: "1 shard", 1000: "1,000 shards"} {
		if got := number.Count(n, "shard"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}
