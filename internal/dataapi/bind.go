package dataapi

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftdata/types"
)

// CheckNamedValue converts an argument to one of driver.Value's types.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if v.Name != "" {
		return fmt.Errorf("argument %s: arguments are positional: $1, $2 and so on", v.Name)
	}
	var err error
	v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	return err
}

// bind writes the positional arguments $1, $2, ... of statements as the Data API's
// named parameters :p1, :p2, ... Without arguments they are sent as they are.
func bind(statements []string, args []driver.NamedValue) ([]string, []types.SqlParameter, error) {
	if len(args) == 0 {
		return statements, nil, nil
	}
	parameters := make([]types.SqlParameter, len(args))
	for i, arg := range args {
		value, err := parameterValue(arg.Value)
		if err != nil {
			return nil, nil, fmt.Errorf("argument $%d: %w", i+1, err)
		}
		parameters[i] = types.SqlParameter{Name: aws.String("p" + strconv.Itoa(i+1)), Value: aws.String(value)}
	}
	used := make([]bool, len(args))
	texts := make([]string, len(statements))
	for i, statement := range statements {
		var err error
		if texts[i], err = rename(statement, used); err != nil {
			return nil, nil, err
		}
	}
	if i := slices.Index(used, false); i >= 0 {
		return nil, nil, fmt.Errorf("the statements do not use argument $%d", i+1)
	}
	return texts, parameters, nil
}

// rename writes $1 as :p1, and notes which arguments the statement uses.
func rename(statement string, used []bool) (string, error) {
	var out strings.Builder
	for rest := statement; rest != ""; {
		if n := opaque(rest); n > 0 {
			out.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		match := ordinal.FindStringSubmatch(rest)
		if match == nil {
			out.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		n, err := strconv.Atoi(match[1])
		if err != nil || n < 1 || n > len(used) {
			return "", fmt.Errorf("the statement uses %s, but has %d arguments", match[0], len(used))
		}
		used[n-1] = true
		fmt.Fprintf(&out, ":p%d", n)
		rest = rest[len(match[0]):]
	}
	return out.String(), nil
}

var ordinal = regexp.MustCompile(`^\$([0-9]+)`)

// opaque returns the length of what stands at the start of text and may hold a $1
// that is not an argument: a literal, a quoted or plain identifier, a comment, a
// body between dollar signs. It is 0 for anything else.
func opaque(text string) int {
	if tag := dollarQuote.FindString(text); tag != "" {
		if end := strings.Index(text[len(tag):], tag); end >= 0 {
			return len(tag) + end + len(tag)
		}
		return len(text)
	}
	if !strings.HasPrefix(text, "/*") {
		return len(token.FindString(text))
	}
	depth := 0 // comments nest, as in PostgreSQL
	for _, edge := range commentEdge.FindAllStringIndex(text, -1) {
		if text[edge[0]] == '/' {
			depth++
		} else if depth--; depth == 0 {
			return edge[1]
		}
	}
	return len(text)
}

var (
	dollarQuote = regexp.MustCompile(`^\$([\pL_][\pL\pN_]*)?\$`)
	commentEdge = regexp.MustCompile(`/\*|\*/`)
	token       = regexp.MustCompile(`^(?s:` + strings.Join([]string{
		`'(?:[^'\\]|\\.)*(?:'|$)`, // '' reads as the end of one literal and the start of the next
		`"[^"]*(?:"|$)`,
		`[\pL_][\pL\pN_$]*`, // also the E of E'a literal', which has no escapes that others lack
		`--[^\n]*`,
	}, "|") + `)`)
)

// parameterValue writes an argument the way Redshift reads it back.
func parameterValue(v driver.Value) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", errors.New("the Data API has no NULL parameter; write NULL in the statement")
	case string:
		if v == "" {
			return "", errors.New("the Data API has no empty parameter; write '' in the statement")
		}
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999"), nil
	default:
		return "", fmt.Errorf("a %T cannot be an argument", v)
	}
}
