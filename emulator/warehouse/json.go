package warehouse

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxNesting is how deep a SUPER value may be nested:
// https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html
const maxNesting = 1000

// jsonRules are the readings of the doubts about what JSON_PARSE takes.
type jsonRules struct {
	keepNUL, cutAtNUL  bool
	takeHalfSurrogates bool
	refuseLongTexts    bool
	refuseHugeNumbers  bool
	invalidUTF8IsNull  bool
}

func (o Options) jsonRules() jsonRules {
	return jsonRules{
		keepNUL:            o.reads(nulEscapes, "keep"),
		cutAtNUL:           o.reads(nulEscapes, "cut"),
		takeHalfSurrogates: o.reads(halfSurrogates, "take"),
		refuseLongTexts:    o.reads(longTexts, "refuse"),
		refuseHugeNumbers:  o.reads(hugeNumbers, "refuse"),
		invalidUTF8IsNull:  o.reads(invalidUTF8, "null"),
	}
}

// canParse is CAN_JSON_PARSE: whether JSON_PARSE takes the bytes, nil for NULL. They must
// be one value of RFC 8259's grammar in UTF-8 without duplicate keys or deeper nesting
// than SUPER allows.
func (r jsonRules) canParse(data []byte) any {
	if r.invalidUTF8IsNull && !utf8.Valid(data) {
		return nil
	}
	var options []jsontext.Options
	if r.takeHalfSurrogates && utf8.Valid(data) {
		options = append(options, jsontext.AllowInvalidUTF8(true)) // only escapes can be invalid then
	}
	// A key or string can only hold NUL as an escape, so most records need no second look.
	mayHoldNUL := !r.keepNUL && !r.cutAtNUL && bytes.Contains(data, []byte(`\u0000`))
	dec := jsontext.NewDecoder(bytes.NewReader(data), options...)
	for values := 0; ; {
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return values == 1
		}
		if err != nil || dec.StackDepth() > maxNesting {
			return false
		}
		switch tok.Kind() {
		case '"':
			if mayHoldNUL && strings.ContainsRune(tok.String(), 0) || r.refuseLongTexts && len(data) > maxVarchar && len(tok.String()) > maxVarchar {
				return false
			}
		case '0':
			if r.refuseHugeNumbers && isHuge(tok.String()) {
				return false
			}
		}
		if dec.StackDepth() == 0 {
			values++
		}
	}
}

// isHuge says whether neither a DECIMAL of 38 digits nor a FLOAT8 holds a number.
func isHuge(number string) bool {
	if digits := strings.TrimLeft(number, "-"); !strings.ContainsAny(digits, ".eE") {
		return len(digits) > 38
	}
	_, err := strconv.ParseFloat(number, 64)
	return err != nil
}

// rewrite gives a JSON text as the engine parses it: texts end at a NUL where that cuts
// them, and half of a surrogate pair is U+FFFD.
func (r jsonRules) rewrite(data []byte) string {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(true))
	var b bytes.Buffer
	enc := jsontext.NewEncoder(&b, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return b.String()
		}
		if tok.Kind() == '"' {
			text := tok.String()
			if r.cutAtNUL {
				text, _, _ = strings.Cut(text, "\x00")
			}
			tok = jsontext.String(text)
		}
		if err := enc.WriteToken(tok); err != nil {
			return b.String()
		}
	}
}
