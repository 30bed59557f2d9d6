package query

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"
)

// result is what a statement gives: columns, and rows that can be read once, as
// they arrive. A row is only good until the next.
type result struct {
	columns []column
	rows    iter.Seq2[[]any, error]
}

type column struct {
	name string
	kind kind
}

// kind is what a column's values mean beyond their Go type.
type kind int

const (
	plain     kind = iota
	numeric        // a DECIMAL arrives as its exact text
	document       // SUPER: JSON text
	date           // a time.Time of which only the date counts
	timestamp      // a time.Time without a zone
	instant        // a time.Time with one
)

// kindOf tells by Redshift's internal name of a type.
func kindOf(databaseType string) kind {
	switch databaseType {
	case "INT2", "INT4", "INT8", "OID", "NUMERIC", "FLOAT4", "FLOAT8":
		return numeric
	case "SUPER":
		return document
	case "DATE":
		return date
	case "TIMESTAMP":
		return timestamp
	case "TIMESTAMPTZ":
		return instant
	}
	return plain
}

// newResult reads the columns; the rows are left for the result's reader.
func newResult(rows *sql.Rows) (result, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return result{}, fmt.Errorf("read the columns: %w", err)
	}
	columns := make([]column, len(types))
	for i, t := range types {
		columns[i] = column{t.Name(), kindOf(t.DatabaseTypeName())}
	}

	row, into := make([]any, len(types)), make([]any, len(types))
	for i := range row {
		into[i] = &row[i]
	}
	return result{columns, func(yield func([]any, error) bool) {
		for rows.Next() {
			err := rows.Scan(into...)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, fmt.Errorf("read the rows: %w", err))
		}
	}}, nil
}

// tap lets see look at each row on its way.
func (r result) tap(see func(row []any) error) result {
	rows := r.rows
	r.rows = func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil {
				err = see(row)
			}
			if !yield(row, err) {
				return
			}
		}
	}
	return r
}

// collect reads all rows of a small result, by the names of their columns.
func (r result) collect() ([]map[string]any, error) {
	var all []map[string]any
	for row, err := range r.rows {
		if err != nil {
			return nil, err
		}
		named := make(map[string]any)
		for i, c := range r.columns {
			named[c.name] = row[i]
		}
		all = append(all, named)
	}
	return all, nil
}

// appendText appends a value as people and CSV readers expect it. NULL adds
// nothing.
func (c column) appendText(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return b
	case string:
		return append(b, v...)
	case []byte:
		return hex.AppendEncode(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case time.Time:
		return v.AppendFormat(b, c.layout())
	}
	return fmt.Append(b, value)
}

// layout is how Redshift writes the column's times.
func (c column) layout() string {
	switch c.kind {
	case date:
		return time.DateOnly
	case instant:
		return "2006-01-02 15:04:05.999999Z07:00"
	}
	return "2006-01-02 15:04:05.999999"
}

// appendJSON appends a value as JSON. Numbers keep every digit they arrived
// with; the few that JSON cannot hold (NaN and the infinities) become texts.
func (c column) appendJSON(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return fmt.Append(b, v), nil
		}
	case string:
		if c.kind == numeric && isJSONNumber(v) {
			return append(b, v...), nil
		}
		if c.kind == document && json.Valid([]byte(v)) {
			var compact bytes.Buffer
			err := json.Compact(&compact, []byte(v))
			return append(b, compact.Bytes()...), err
		}
	}

	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(c.appendText(nil, value))); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...), nil
}

// isJSONNumber tells a number from the other JSON values, from NaN, and from one
// with space around it.
func isJSONNumber(s string) bool {
	isDigit := func(b byte) bool { return '0' <= b && b <= '9' }
	return s != "" && (s[0] == '-' || isDigit(s[0])) && isDigit(s[len(s)-1]) && json.Valid([]byte(s))
}

// toFloat returns a value as a number to draw or to reckon with; false for NULL and
// for what is no number.
func toFloat(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}
