package warehouse

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"

	"github.com/shopspring/decimal"
)

// The operators of SUPER values, on their JSON. Numbers are decimals, each with a scale of
// its own, unless they are written with an exponent:
// https://docs.aws.amazon.com/redshift/latest/dg/operators-functions.html

// superValue reads a value: nil, a bool, a string without trailing blanks, a
// json.Number, or a list or map of such.
func superValue(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("read a SUPER value: %w", err)
	}
	return normal(v), nil
}

// normal makes values that are equal in SQL equal in Go: trailing blanks and the
// scales of numbers don't count.
func normal(v any) any {
	switch v := v.(type) {
	case string:
		return strings.TrimRight(v, " ")
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = normal(v[key])
		}
	case json.Number:
		if r, ok := new(big.Rat).SetString(v.String()); ok {
			return json.Number(r.RatString())
		}
	}
	return v
}

// superSame is x = y: false where the types differ, NULL of a null.
func superSame(x, y string) (any, error) {
	a, err := superValue(x)
	if err != nil {
		return nil, err
	}
	b, err := superValue(y)
	if err != nil || a == nil || b == nil {
		return nil, err
	}
	return reflect.DeepEqual(a, b), nil
}

// superLess is x < y: NULL where the types differ, or have no order.
func superLess(x, y string) (any, error) {
	a, err := superValue(x)
	if err != nil {
		return nil, err
	}
	b, err := superValue(y)
	if err != nil {
		return nil, err
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return a < b, nil
		}
	case bool:
		if b, ok := b.(bool); ok {
			return !a && b, nil
		}
	case json.Number:
		if b, ok := b.(json.Number); ok {
			l, _ := new(big.Rat).SetString(a.String())
			r, _ := new(big.Rat).SetString(b.String())
			return l.Cmp(r) < 0, nil
		}
	}
	return nil, nil
}

// maxDigits is how many a decimal holds.
const maxDigits = 38

// reckon is x op y as JSON: NULL of what are not two numbers, but for + of two texts. A
// number with an exponent is a float, and makes both one.
func reckon(op, x, y string) (any, error) {
	if op == "+" && strings.HasPrefix(x, `"`) && strings.HasPrefix(y, `"`) {
		return x[:len(x)-1] + y[1:], nil
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, nil
	}
	if strings.ContainsAny(x+y, "eE") {
		return reckonFloats(op, x, y)
	}
	a, err := decimal.NewFromString(x)
	if err != nil {
		return nil, fmt.Errorf("read a SUPER number: %w", err)
	}
	b, err := decimal.NewFromString(y)
	if err != nil {
		return nil, fmt.Errorf("read a SUPER number: %w", err)
	}
	if b.IsZero() && (op == "/" || op == "%") {
		return nil, errorf("Divide by zero")
	}
	out, scale := reckonDecimals(op, a, b)
	text := out.StringFixed(scale)
	if len(strings.TrimLeft(strings.Replace(text, ".", "", 1), "-0")) > maxDigits {
		return nil, errorf("Numeric data overflow (result precision)")
	}
	return text, nil
}

// reckonDecimals gives a op b and how many decimals it has, where b may be the number of
// decimals to round to.
func reckonDecimals(op string, a, b decimal.Decimal) (decimal.Decimal, int32) {
	scaleA, scaleB := -a.Exponent(), -b.Exponent()
	switch op {
	case "+":
		return a.Add(b), max(scaleA, scaleB)
	case "-":
		return a.Sub(b), max(scaleA, scaleB)
	case "*":
		return a.Mul(b), scaleA + scaleB
	case "%":
		return a.Mod(b), max(scaleA, scaleB)
	case "/":
		// https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html
		scale := max(4, scaleA+int32(b.NumDigits())-scaleB+1)
		return a.DivRound(b, scale), scale
	case "abs":
		return a.Abs(), scaleA
	}
	places := int32(max(-maxDigits, min(maxDigits, b.IntPart())))
	round := map[string]func(decimal.Decimal, int32) decimal.Decimal{
		"ceil": decimal.Decimal.RoundCeil, "floor": decimal.Decimal.RoundFloor, "trunc": decimal.Decimal.RoundDown, "round": decimal.Decimal.Round,
	}[op]
	return round(a, places), max(0, places)
}

func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9')
}

func reckonFloats(op, x, y string) (any, error) {
	a, errA := json.Number(x).Float64()
	b, errB := json.Number(y).Float64()
	if errA != nil || errB != nil {
		return nil, errorf("Overflow (Float)")
	}
	if b == 0 && (op == "/" || op == "%") {
		return nil, errorf("Divide by zero")
	}
	unit := math.Pow(10, b) // of a rounding
	out := map[string]float64{
		"+": a + b, "-": a - b, "*": a * b, "/": a / b, "%": math.Mod(a, b), "abs": math.Abs(a),
		"ceil": math.Ceil(a), "floor": math.Floor(a), "round": math.Round(a*unit) / unit, "trunc": math.Trunc(a*unit) / unit,
	}[op]
	if math.IsInf(out, 0) || math.IsNaN(out) {
		return nil, errorf("Overflow (Float)")
	}
	return fmt.Sprintf("%e", out), nil
}

// flatten is ARRAY_FLATTEN: an array's elements and those of the arrays in it.
func flatten(text string) (any, error) {
	var out []json.RawMessage
	var add func(raw json.RawMessage) error
	add = func(raw json.RawMessage) error {
		if !strings.HasPrefix(string(raw), "[") {
			out = append(out, raw)
			return nil
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(raw, &elements); err != nil {
			return fmt.Errorf("read a SUPER array: %w", err)
		}
		for _, e := range elements {
			if err := add(e); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(json.RawMessage(text)); err != nil {
		return nil, err
	}
	joined := make([]string, len(out))
	for i := range out {
		joined[i] = string(out[i])
	}
	return "[" + strings.Join(joined, ",") + "]", nil
}

// isJSON says whether a text is JSON that begins with a character, as IS_VALID_JSON wants
// an object and IS_VALID_JSON_ARRAY an array.
func isJSON(text, opening string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), opening) && json.Valid([]byte(text))
}
