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

// setParameter is SET [SESSION|LOCAL] name TO value.
func (s *Session) setParameter(c *cursor) (*Result, error) {
	c.accept("session")
	if c.peek("local") {
		return nil, unsupported("SET LOCAL")
	}
	if c.peek("authorization", "characteristics") || c.look(1).is(".") {
		return nil, unsupported("SET %s", c.text(c.rest()))
	}
	name := c.next().val
	if !c.accept("to") && !c.accept("=") {
		return nil, c.syntaxError()
	}
	if c.accept("default") {
		if err := c.end(); err != nil {
			return nil, err
		}
		return done, s.reset(name)
	}
	value := c.next()
	if value.val == "" && value.kind != text {
		return nil, c.syntaxError()
	}
	if c.peek(",") {
		return nil, unsupported("SET %s to a list", name)
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	return done, s.settings.set(name, value.val)
}

func (s *Session) reset(name string) error {
	wg := s.w.workgroupSettings(s.workgroup)
	value, ok := defaultSettings(wg.CaseSensitiveIdentifiers)[name]
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
	if len(c.rest()) > 0 {
		return nil, unsupported("SHOW %s %s", strings.ToUpper(name), c.text(c.rest()))
	}
	varchar := Type{Name: "varchar"}
	if name == "all" {
		res := &Result{Columns: []Column{{"name", varchar}, {"setting", varchar}}, Affected: -1}
		for _, name := range slices.Sorted(maps.Keys(s.settings)) {
			res.Rows = append(res.Rows, []any{name, s.settings[name]})
		}
		return res, nil
	}
	value, ok := s.settings[name]
	if !ok {
		return nil, unsupported("SHOW %s", name)
	}
	return &Result{Columns: []Column{{name, varchar}}, Rows: [][]any{{value}}, Affected: -1}, nil
}
