package warehouse

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
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

// A decimal is digits / 10^scale.
type decimal struct {
	digits *big.Int
	scale  int
}

// readDecimal gives the decimal that a JSON number is; one with an exponent is none.
func readDecimal(text string) (decimal, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	return decimal{digits, len(fraction)}, ok
}

func power10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// at gives d's digits at another scale that is not below its own.
func (d decimal) at(scale int) *big.Int { return new(big.Int).Mul(d.digits, power10(scale-d.scale)) }

// rounded gives d at a scale, by a direction: "floor", "ceil", "trunc" or "round", which is
// half away from zero.
func (d decimal) rounded(direction string, scale int) decimal {
	if scale >= d.scale {
		return decimal{d.at(scale), scale}
	}
	unit := power10(d.scale - scale)
	quotient, rest := new(big.Int).QuoRem(d.digits, unit, new(big.Int))
	up := direction == "ceil" && rest.Sign() > 0 ||
		direction == "round" && new(big.Int).Abs(new(big.Int).Lsh(rest, 1)).Cmp(unit) >= 0 && rest.Sign() > 0
	down := direction == "floor" && rest.Sign() < 0 ||
		direction == "round" && new(big.Int).Abs(new(big.Int).Lsh(rest, 1)).Cmp(unit) >= 0 && rest.Sign() < 0
	if up {
		quotient.Add(quotient, big.NewInt(1))
	}
	if down {
		quotient.Sub(quotient, big.NewInt(1))
	}
	if scale < 0 {
		return decimal{quotient.Mul(quotient, power10(-scale)), 0}
	}
	return decimal{quotient, scale}
}

func (d decimal) String() string {
	text := new(big.Int).Abs(d.digits).String()
	if d.scale > 0 {
		text = strings.Repeat("0", max(0, d.scale+1-len(text))) + text
		text = text[:len(text)-d.scale] + "." + text[len(text)-d.scale:]
	}
	if d.digits.Sign() < 0 {
		text = "-" + text
	}
	return text
}

// precision is how many digits d has.
func (d decimal) precision() int { return len(new(big.Int).Abs(d.digits).String()) }

// maxDigits is how many a decimal holds.
const maxDigits = 38

// reckon is x op y as JSON: NULL of what are not two numbers, but for + of two texts.
func reckon(op, x, y string) (any, error) {
	if op == "+" && strings.HasPrefix(x, `"`) && strings.HasPrefix(y, `"`) {
		return x[:len(x)-1] + y[1:], nil
	}
	if !isNumber(x) || !isNumber(y) {
		return nil, nil
	}
	a, exactA := readDecimal(x)
	b, exactB := readDecimal(y)
	if !exactA || !exactB {
		return reckonFloats(op, x, y)
	}
	if b.digits.Sign() == 0 && (op == "/" || op == "%") {
		return nil, errorf("Divide by zero")
	}
	var out decimal
	scale := max(a.scale, b.scale)
	switch op {
	case "+":
		out = decimal{new(big.Int).Add(a.at(scale), b.at(scale)), scale}
	case "-":
		out = decimal{new(big.Int).Sub(a.at(scale), b.at(scale)), scale}
	case "*":
		out = decimal{new(big.Int).Mul(a.digits, b.digits), a.scale + b.scale}
	case "%":
		out = decimal{new(big.Int).Rem(a.at(scale), b.at(scale)), scale}
	case "/":
		// https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html
		scale = max(4, a.scale+b.precision()-b.scale+1)
		digits := 2 // more than the result has, to round by
		numerator := new(big.Int).Mul(a.digits, power10(b.scale+scale+digits))
		quotient := numerator.Quo(numerator, new(big.Int).Mul(b.digits, power10(a.scale)))
		out = decimal{quotient, scale + digits}.rounded("round", scale)
	case "abs":
		out = decimal{new(big.Int).Abs(a.digits), a.scale}
	default:
		places := 0
		if b.digits.IsInt64() {
			places = int(max(-maxDigits, min(maxDigits, b.digits.Int64())))
		}
		out = a.rounded(op, places)
	}
	if out.precision() > maxDigits {
		return nil, errorf("Numeric data overflow (result precision)")
	}
	return out.String(), nil
}

func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9')
}

// reckonFloats is for where one of the numbers is a float, which makes both one.
func reckonFloats(op, x, y string) (any, error) {
	a, errA := json.Number(x).Float64()
	b, errB := json.Number(y).Float64()
	if errA != nil || errB != nil {
		return nil, errorf("Overflow (Float)")
	}
	if b == 0 && (op == "/" || op == "%") {
		return nil, errorf("Divide by zero")
	}
	out := map[string]func() float64{
		"+": func() float64 { return a + b }, "-": func() float64 { return a - b }, "*": func() float64 { return a * b },
		"/": func() float64 { return a / b }, "%": func() float64 { return math.Mod(a, b) }, "abs": func() float64 { return math.Abs(a) },
		"ceil": func() float64 { return math.Ceil(a) }, "floor": func() float64 { return math.Floor(a) },
		"round": func() float64 { return math.Round(a*math.Pow(10, b)) / math.Pow(10, b) },
		"trunc": func() float64 { return math.Trunc(a*math.Pow(10, b)) / math.Pow(10, b) },
	}[op]()
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
