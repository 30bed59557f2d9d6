package producetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/evstream/emulator/fakekinesis"
)

// TestPoisonedInput: the producer does not look into a line. What the stream takes is
// delivered byte for byte, and the rest is kept to be sent again.
func TestPoisonedInput(t *testing.T) {
	const mebibyte = 1 << 20
	key := len(strconv.FormatUint(1<<63, 16)) // a line's hash as its partition key, at most
	delivered := []string{
		`{"stationID":2039}`,
		`{"stationID":`,
		"\ufeff{}",
		"\xff\xfe{\x00}\x00",
		"a\x00b",
		"\x00",
		"\xed\xa0\x80",
		"\x1f\x8b\x08\x00",
		"carriage\rreturn",
		"  spaces stay  ",
		strings.Repeat("[", 100_000),
		strings.Repeat("x", mebibyte-key),
	}
	tooLargeForTheStream := strings.Repeat("\xff", mebibyte+1)
	tooLarge := strings.Repeat("y", 10*mebibyte+1)

	var input bytes.Buffer
	for i, line := range append(delivered, tooLargeForTheStream, tooLarge) {
		input.WriteString(line)
		input.WriteString([]string{"\n", "\r\n", "\n\n", "\n \t\u2028\r\n"}[i%4]) // what is blank is left out
	}
	input.WriteString("no line end")
	delivered = append(delivered, "no line end")
	dir := t.TempDir()
	file, dead, dead2 := filepath.Join(dir, "input"), filepath.Join(dir, "dead"), filepath.Join(dir, "dead2")
	if err := os.WriteFile(file, input.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	s := serve(t, 2)
	start(t, s)
	r := startProduce(t, s, nil, "--input", file, "--dead-letter", dead, "--json")
	if got, want := r.end(t, 1), int64(len(delivered)); got.Accepted != want+2 || got.Delivered != want || got.Failed != 2 {
		t.Errorf("%+v, want %d records delivered and 2 failed", got, want)
	}
	have := stored(t, s)
	for _, line := range delivered {
		if have[line] != 1 {
			t.Errorf("the stream holds %.60q %d times", line, have[line])
		}
	}
	if len(have) != len(delivered) {
		t.Errorf("the stream holds %d different records, want %d", len(have), len(delivered))
	}

	// A stream with a higher limit takes what the first one refused; nobody takes the rest.
	higher := fakekinesis.New()
	if _, err := higher.CreateStream(fakekinesis.StreamSettings{Name: streamName, Shards: 2, MaxRecordKiB: 10240}); err != nil {
		t.Fatal(err)
	}
	start(t, higher)
	again := startProduce(t, higher, nil, "--input", dead, "--dead-letter", dead2, "--json")
	if got := again.end(t, 1); got.Delivered != 1 || got.Failed != 1 || stored(t, higher)[tooLargeForTheStream] != 1 {
		t.Errorf("%+v, want the dead letter of %d bytes delivered and the other one failed", got, len(tooLargeForTheStream))
	}
	if !strings.Contains(again.err.String(), "the most is 10485760 (10 MiB)") {
		t.Errorf("the summary lacks the rule that the other one breaks:\n%s", again.err.String())
	}

	endless := startProduce(t, s, strings.NewReader("short\n"+strings.Repeat("z", 17*mebibyte)), "--input", "-", "--json")
	if got := endless.end(t, 1); got.Delivered != 1 || !strings.Contains(endless.err.String(), "standard input, line 2: longer than 16 MiB, which no Kinesis record holds") {
		t.Errorf("%+v of a line without end:\n%s", got, endless.err.String())
	}
}
