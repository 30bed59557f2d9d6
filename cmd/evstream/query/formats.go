package query

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// writeCSV writes the rows as they arrive (RFC 4180, lines ended by a line feed).
// NULL is an empty field and the empty text a quoted one, as in PostgreSQL's COPY;
// encoding/csv writes both alike.
func writeCSV(w io.Writer, r result, header bool) error {
	out := bufio.NewWriter(w)
	var line []byte
	if header {
		for i, c := range r.columns {
			line = appendCSVField(line, i, []byte(c.name), false)
		}
		out.Write(append(line, '\n'))
	}

	var field []byte
	for row, err := range r.rows {
		if err != nil {
			out.Flush() // what came before the error is good
			return err
		}
		line = line[:0]
		for i, c := range r.columns {
			field = c.appendText(field[:0], row[i])
			line = appendCSVField(line, i, field, row[i] == nil)
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendCSVField(line []byte, i int, field []byte, null bool) []byte {
	if i > 0 {
		line = append(line, ',')
	}
	if null {
		return line
	}
	if len(field) > 0 && !strings.ContainsAny(string(field), "\",\r\n") {
		return append(line, field...)
	}
	line = append(line, '"')
	for _, b := range field {
		if b == '"' {
			line = append(line, '"')
		}
		line = append(line, b)
	}
	return append(line, '"')
}

// writeJSON writes the rows as they arrive, an object a line, all of them as one
// array if that is wanted. It stays an array when an error cuts the rows short.
func writeJSON(w io.Writer, r result, array bool) error {
	out := bufio.NewWriter(w)
	lead, between, end := "", "\n", "\n"
	if array {
		lead, between, end = "[\n", ",\n", "\n]\n"
	}
	empty := true
	err := eachObject(r, func(object []byte) error {
		if empty {
			out.WriteString(lead)
		} else {
			out.WriteString(between)
		}
		empty = false
		_, err := out.Write(object)
		return err
	})
	switch {
	case !empty:
		out.WriteString(end)
	case array:
		out.WriteString("[\n]\n")
	}
	return errors.Join(err, out.Flush())
}

// eachObject hands each row to write as a JSON object with the columns in their
// order.
func eachObject(r result, write func([]byte) error) error {
	seen := make(map[string]bool, len(r.columns))
	keys := make([][]byte, len(r.columns))
	for i, c := range r.columns {
		if seen[c.name] {
			return fmt.Errorf("two columns are named %s, which a JSON object cannot hold: give one another name with AS", c.name)
		}
		seen[c.name] = true
		key, err := column{}.appendJSON(nil, c.name)
		if err != nil {
			return err
		}
		keys[i] = append(key, ':')
	}

	var object []byte
	for row, err := range r.rows {
		if err != nil {
			return err
		}
		object = append(object[:0], '{')
		for i, c := range r.columns {
			if i > 0 {
				object = append(object, ',')
			}
			object = append(object, keys[i]...)
			if object, err = c.appendJSON(object, row[i]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		if err := write(append(object, '}')); err != nil {
			return err
		}
	}
	return nil
}
