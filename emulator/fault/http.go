package fault

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// A Rule is a fault that a client asks for over HTTP: POST it as JSON to the emulator's
// path [Path]. GET lists the rules that are left, DELETE removes them.
type Rule struct {
	Service   string `json:"service"`             // by its name in the AWS CLI, for example "kinesis"
	Operation string `json:"operation,omitempty"` // any operation unless given
	Contains  string `json:"contains,omitempty"`  // takes only requests whose body contains it
	Times     int    `json:"times,omitempty"`     // how many requests it takes, 1 unless given

	Delay        string         `json:"delay,omitempty"`        // a duration as Go writes it, for example 1.5s
	Cut          string         `json:"cut,omitempty"`          // closes the connection "before" or "after" the request is applied
	Code         string         `json:"code,omitempty"`         // of an error to answer
	Message      string         `json:"message,omitempty"`      // of the error
	Status       int            `json:"status,omitempty"`       // HTTP status of the error, 400 unless given
	Refuse       map[int]string `json:"refuse,omitempty"`       // PutRecords: error codes of records, by position from 0
	Outcome      string         `json:"outcome,omitempty"`      // Data API: status with which the statement ends, unrun
	OutcomeError string         `json:"outcomeError,omitempty"` // what DescribeStatement then says
	WithholdRows bool           `json:"withholdRows,omitempty"` // Data API: a page without rows
}

// Path is where an emulator takes rules.
const Path = "/_emulator/faults"

func (r *Rule) fault() (Fault, error) {
	f := Fault{Refuse: r.Refuse, Outcome: Outcome{Status: r.Outcome, Error: r.OutcomeError}, WithholdRows: r.WithholdRows}
	if r.Service == "" {
		return f, errors.New(`"service" is missing: name it as the AWS CLI does, for example "kinesis"`)
	}
	if r.Times < 0 {
		return f, fmt.Errorf(`"times" is %d: it must be at least 1`, r.Times)
	}
	if r.Delay != "" {
		delay, err := time.ParseDuration(r.Delay)
		if err != nil {
			return f, fmt.Errorf(`"delay": %w`, err)
		}
		if delay < 0 {
			return f, fmt.Errorf(`"delay" is %s: it must not be negative`, delay)
		}
		f.Delay = delay
	}
	switch r.Cut {
	case "":
	case "before":
		f.CutBefore = true
	case "after":
		f.CutAfter = true
	default:
		return f, fmt.Errorf(`"cut" is %q: it must be "before" or "after"`, r.Cut)
	}
	if r.Code != "" || r.Status != 0 || r.Message != "" {
		if r.Code == "" {
			return f, errors.New(`"code" is missing: an error needs one, for example "ThrottlingException"`)
		}
		if r.Status != 0 && (r.Status < 400 || r.Status > 599) {
			return f, fmt.Errorf(`"status" is %d: that of an error is 400 to 599`, r.Status)
		}
		f.Err = &Error{Status: r.Status, Code: r.Code, Message: r.Message}
	}
	return f, nil
}

// add registers the rule.
func (c *Controls) add(r *Rule) error {
	f, err := r.fault()
	if err == nil && c.Check != nil {
		err = c.Check(r.Service, r.Operation)
	}
	if err != nil {
		return err
	}
	r.Times = max(r.Times, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, &registered{service: r.Service, operation: r.Operation, rule: r, control: func(call *Call) *Fault {
		if !bytes.Contains(call.Body, []byte(r.Contains)) {
			return nil
		}
		if r.Times--; r.Times > 0 {
			call.Keep()
		}
		return &f
	}})
	return nil
}

// rules are those that are left.
func (c *Controls) rules() []Rule {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := []Rule{}
	for _, r := range c.all {
		if r.rule != nil {
			left = append(left, *r.rule)
		}
	}
	return left
}

func (c *Controls) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = slices.DeleteFunc(c.all, func(r *registered) bool { return r.rule != nil })
}

// ServeHTTP takes, lists and removes rules.
func (c *Controls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		var rule Rule
		err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 1<<20), &rule, json.RejectUnknownMembers(true))
		if err == nil {
			err = c.add(&rule)
		}
		if err != nil {
			http.Error(w, "the rule: "+err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet:
		w.Header().Set("Content-Type", "application/json")
		_ = json.MarshalWrite(w, c.rules()) // a client that went away is no concern of ours
	case http.MethodDelete:
		c.clear()
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, POST, DELETE")
		http.Error(w, "POST a rule, GET those that are left, or DELETE them", http.StatusMethodNotAllowed)
	}
}
