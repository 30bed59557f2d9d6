package warehouse

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNesting is how deep a SUPER value may be nested:
// https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
const maxNesting = 1000

// canParse is CAN_JSON_PARSE: whether JSON_PARSE takes the bytes. They must be one value
// of RFC 8259's grammar in UTF-8 without duplicate keys, NUL characters, or deeper
// nesting than SUPER allows.
func canParse(data []byte) bool {
	// A key or string can only hold NUL as an escape, so most records need no second look.
	mayHoldNUL := bytes.Contains(data, []byte(`\u0000`))
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for values := 0; ; {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return values == 1
		}
		if err != nil || dec.StackDepth() > maxNesting {
			return false
		}
		if mayHoldNUL && tok.Kind() == '"' && strings.ContainsRune(tok.String(), 0) {
			return false
		}
		if dec.StackDepth() == 0 {
			values++
		}
	}
}
