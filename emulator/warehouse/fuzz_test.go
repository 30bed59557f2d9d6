package warehouse

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzCanParse: what CAN_JSON_PARSE takes is JSON in UTF-8, of at most 1,000 levels and
// without a NUL.
func FuzzCanParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e-3,"\ud83d\ude00",null,true]}`, `{"a":1,"\u0061":2}`, `"\u0000"`, `"\\u0000"`, `"\ud800"`, "\"\xff\"", "\ufeff{}", `1 2`, `[1,]`, ` `,
		strings.Repeat("[", 1000) + strings.Repeat("]", 1000), strings.Repeat("[", 1001) + strings.Repeat("]", 1001),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if (jsonRules{}).canParse(data) != true {
			return
		}
		if !utf8.Valid(data) || !json.Valid(data) {
			t.Errorf("%q is no JSON", data)
		}
		var value any
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		if err := dec.Decode(&value); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if holdsNUL(value) || levels(value) > 1000 {
			t.Errorf("%q holds a NUL, or has %d levels", data, levels(value))
		}
	})
}

func holdsNUL(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, e := range v {
			if holdsNUL(e) {
				return true
			}
		}
	case map[string]any:
		for key, e := range v {
			if holdsNUL(key) || holdsNUL(e) {
				return true
			}
		}
	}
	return false
}

func levels(value any) int {
	deepest := 0
	switch v := value.(type) {
	case []any:
		for _, e := range v {
			deepest = max(deepest, levels(e))
		}
		return 1 + deepest
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, levels(e))
		}
		return 1 + deepest
	}
	return 0
}

// FuzzLex: the tokens of a statement follow each other, and a value that is bound to a
// parameter stays one text.
func FuzzLex(f *testing.F) {
	for _, seed := range []string{
		`SELECT :a, ':a', ":a", a::int -- :a`, `/* a /* b */ c */ $$x$$ 1.5e-3 .5 1e`, `'it''s \' \\'`, `"a""b"`, `'`, `/*`, "é\xff", `:`, `::`, `:1a`,
		`SELECT s.a FROM t, t.d[0].e AS s AT i, (SELECT 1) x, UNPIVOT s v AT k LEFT JOIN x.y ON TRUE`, `SELECT LISTAGG(a) WITHIN GROUP (ORDER BY b), LAG(a) IGNORE NULLS OVER ()`,
		`FROM t, t.a[`, `SELECT FROM (`, `SELECT x FROM t, unpivot`, `listagg(`,
	} {
		f.Add(seed, "it's \\'; DROP TABLE x; -- :a $$")
	}
	f.Fuzz(func(t *testing.T, sql, value string) {
		toks, err := lex(sql)
		if err != nil {
			return
		}
		_, _ = dialect{}.render(sql, toks) // which must not panic
		end := 0
		for _, tok := range toks {
			if tok.pos < end || tok.end <= tok.pos || tok.end > len(sql) {
				t.Fatalf("%q: token %d:%d after %d", sql, tok.pos, tok.end, end)
			}
			end = tok.end
		}
		bound, err := Bind([]Parameter{{"a", value}}, "SELECT :a")
		if err != nil {
			return
		}
		if toks, err = lex(bound[0]); err != nil || len(toks) != 2 || toks[1].kind != text || toks[1].val != value {
			t.Errorf("%q was bound as %s, which reads as %v (error %v)", value, bound[0], toks, err)
		}
	})
}
