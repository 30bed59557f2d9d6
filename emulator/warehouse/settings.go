package warehouse

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// settings are a session's parameters, by name.
type settings map[string]string

func defaultSettings(caseSensitiveIdentifiers bool) settings {
	s := settings{
		"enable_case_sensitive_identifier":      "off",
		"enable_case_sensitive_super_attribute": "off",
		"timezone":                              "UTC",
		"search_path":                           "$user, public",
		"datestyle":                             "ISO, MDY",
		"query_group":                           "default",
		"application_name":                      "",
		"statement_timeout":                     "0",
		"navigate_super_null_on_error":          "on",
		"cast_super_null_on_error":              "on",
		"parse_super_null_on_error":             "off",
		"json_parse_dedup_attributes":           "off",
		"json_parse_truncate_strings":           "off",
	}
	if caseSensitiveIdentifiers {
		s["enable_case_sensitive_identifier"] = "on"
	}
	return s
}

// free are the settings that may take any value, because they change no result. Those
// that are on or off by nature are free as well where the stand-in has both meanings.
var free = []string{"query_group", "application_name", "enable_case_sensitive_identifier", "enable_case_sensitive_super_attribute"}

func (s settings) dialect() dialect {
	return dialect{superCase: s["enable_case_sensitive_super_attribute"] == "on", identCase: s["enable_case_sensitive_identifier"] == "on"}
}

func (s settings) set(name, value string) error {
	old, ok := s[name]
	if !ok {
		return errorf("unrecognized configuration parameter %q, or the warehouse stand-in does not support it", name)
	}
	if old == "on" || old == "off" {
		switch strings.ToLower(value) {
		case "on", "true", "t", "1", "yes":
			value = "on"
		case "off", "false", "f", "0", "no":
			value = "off"
		default:
			return errorf("parameter %q requires a Boolean value", name)
		}
	}
	if !slices.Contains(free, name) && !strings.EqualFold(value, old) {
		return unsupported("%s = %s", name, value)
	}
	s[name] = value
	return nil
}

// setParameter is SET [SESSION] name {TO|=} {value|DEFAULT}.
func (s *Session) setParameter(_ context.Context, c *cursor) (*Result, error) {
	c.accept("session")
	switch {
	case c.peek("local"):
		return nil, unsupported("SET LOCAL")
	case c.peek("authorization", "characteristics"), c.look(1).is("."):
		return nil, unsupported("SET %s", c.source(c.rest()))
	}
	name := c.next().val
	if !c.accept("to") {
		c.expect("=")
	}
	isDefault := c.accept("default")
	value := ""
	if !isDefault {
		t := c.next()
		if value = t.val; value == "" && t.kind != text {
			c.reject()
		}
	}
	if c.peek(",") {
		c.refuse("SET %s to a list", name)
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	if isDefault {
		return done, s.reset(name)
	}
	return done, s.settings.set(name, value)
}

// resetParameter is RESET name.
func (s *Session) resetParameter(_ context.Context, c *cursor) (*Result, error) {
	return done, s.reset(c.next().val)
}

func (s *Session) reset(name string) error {
	value, ok := defaultSettings(s.w.workgroupSettings(s.workgroup).CaseSensitiveIdentifiers)[name]
	if !ok {
		return errorf("unrecognized configuration parameter %q", name)
	}
	return s.settings.set(name, value)
}

func (w *Warehouse) workgroupSettings(name string) Workgroup {
	w.mu.Lock()
	defer w.mu.Unlock()
	if wg, ok := w.workgroups[name]; ok {
		return wg.Workgroup
	}
	return Workgroup{}
}

// show is SHOW name, SHOW ALL, or SHOW TABLE or VIEW name.
func (s *Session) show(ctx context.Context, c *cursor) (*Result, error) {
	if c.peek("table", "view") {
		return s.showDefinition(ctx, c)
	}
	name := c.next().val
	value, ok := s.settings[name]
	switch rest := c.rest(); {
	case len(rest) > 0:
		return nil, unsupported("SHOW %s %s", strings.ToUpper(name), c.source(rest))
	case ok:
		return texts([]string{name}, []any{value}), nil
	case name != "all":
		return nil, unsupported("SHOW %s", name)
	}
	var rows [][]any
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		rows = append(rows, []any{name, s.settings[name]})
	}
	return texts([]string{"name", "setting"}, rows...), nil
}

// texts is a result of texts.
func texts(columns []string, rows ...[]any) *Result {
	res := &Result{Rows: rows, Affected: -1}
	for _, name := range columns {
		res.Columns = append(res.Columns, Column{name, Type{Name: "varchar"}})
	}
	return res
}
